// Who is admitted to a stream and until when, how often an address may be wrong, and that no log line holds a token.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { AccessFault } from '../../src/auth/access.js';
import { Authority } from '../../src/auth/authority.js';
import { readKeySet } from '../../src/auth/key-set.js';
import { FiledKeys } from '../../src/auth/key-source.js';
import { JwtVerifier } from '../../src/auth/jwt-verifier.js';
import { keyScope, READ, type Scope } from '../../src/auth/scopes.js';
import { readTokens } from '../../src/auth/token-file.js';
import { TokenTable } from '../../src/auth/token-table.js';
import { createTestLog, LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { AUDIENCE, createSigner, ISSUER, keySetText, sign, tokenLine, type Signer } from './issuer.js';

const KEY_SCOPE = keyScope('secret-testkey0123456789');
const OTHER_SCOPE = keyScope('secret-otherkey0123456789');
const DAY_MS = 86_400_000;

/** A wall clock that can be set, beside a time that goes on. */
class SetClock extends ManualClock {
  #setByMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.#setByMs;
  }

  setBy(durationMs: number): void {
    this.#setByMs += durationMs;
  }
}

let signer: Signer;

before(async () => {
  signer = await createSigner('ES256', 'a');
});

interface Ending {
  count: number;
  close(): void;
}

class Scene {
  readonly clock = new SetClock();
  readonly logs = new LogSink();
  readonly table = new TokenTable([]);
  readonly authority: Authority;

  constructor(...lines: readonly string[]) {
    this.write(...lines);
    const keys = readKeySet(keySetText(signer));
    if (typeof keys === 'string') assert.fail(keys);
    this.authority = new Authority(this.clock, createTestLog(this.logs), {
      tokens: this.table,
      jwt: { verifier: new JwtVerifier({ issuer: ISSUER, audience: AUDIENCE }), keys: new FiledKeys(keys) },
    });
  }

  write(...lines: readonly string[]): void {
    const { tokens, faults } = readTokens(lines.join('\n'));
    assert.deepEqual(faults, []);
    this.table.replace(tokens);
  }

  inMs(durationMs: number): string {
    return new Date(this.clock.nowMs() + durationMs).toISOString().replace(/\.\d+/, '');
  }

  async ask(authorization: string | undefined, needs: Scope = READ, address = '10.0.0.1'): Promise<string> {
    const answer = await this.authority.admit({ authorization, address }, needs);
    return answer.kind === 'refused' ? answer.fault : answer.access.name;
  }

  /** A stream of what `needs` names: open until its access ends. */
  async stream(token: string, needs: Scope = KEY_SCOPE): Promise<Ending | AccessFault> {
    const claim = { authorization: `Bearer ${token}`, address: '10.0.0.1' };
    const answer = await this.authority.admit(claim, needs);
    if (answer.kind === 'refused') return answer.fault;
    const ending: Ending = { count: 0, close: () => undefined };
    ending.close = this.authority.whileGranted(answer.access, () => (ending.count += 1));
    return ending;
  }

  async open(token: string): Promise<Ending> {
    const stream = await this.stream(token);
    return typeof stream === 'string' ? assert.fail(stream) : stream;
  }
}

test('each kind of token opens the stream of an SDK key, or does not', async () => {
  const scene = new Scene(
    tokenLine('right', `sfp::read,${KEY_SCOPE}`),
    tokenLine('other-key', OTHER_SCOPE),
    tokenLine('wrong-scope', 'sfp::read,sfp::operate'),
    tokenLine('expired', KEY_SCOPE, '2026-01-01T00:00:00Z'),
  );
  const nowMs = scene.clock.nowMs();
  const jwt = (claims: object): Promise<string> => sign(signer, nowMs, { scope: KEY_SCOPE, ...claims });
  for (const [authorization, expected] of [
    [undefined, 'token_missing'],
    ['', 'token_invalid'],
    ['Bearer', 'token_invalid'],
    ['Basic right', 'token_invalid'],
    ['right', 'token_invalid'],
    ['Bearer wrong', 'token_invalid'],
    ['Bearer right and more', 'token_invalid'],
    ['Bearer expired', 'token_expired'],
    ['Bearer wrong-scope', 'scope_missing'],
    ['Bearer other-key', 'scope_missing'],
    ['Bearer right', 'right'],
    ['bearer  right ', 'right'],
    [`Bearer ${await jwt({})}`, 'alice'],
    [`Bearer ${await jwt({ scope: `${KEY_SCOPE} sfp::all` })}`, 'token_invalid'],
    [`Bearer ${await jwt({ scope: OTHER_SCOPE })}`, 'scope_missing'],
    [`Bearer ${await jwt({ scope: undefined })}`, 'scope_missing'],
    [`Bearer ${await jwt({ exp: nowMs / 1000 })}`, 'token_expired'],
    [`Bearer ${await jwt({ iss: 'another' })}`, 'token_invalid'],
  ] as const) {
    assert.equal(await scene.ask(authorization, KEY_SCOPE), expected, authorization);
  }
  const refused = Object.fromEntries(scene.authority.refused);
  assert.deepEqual(refused, { token_missing: 1, token_invalid: 8, token_expired: 2, scope_missing: 4 });
});

test('a stream ends when its token does, once, and not when it was closed before', async () => {
  const scene = new Scene();
  scene.write(tokenLine('short', KEY_SCOPE, scene.inMs(3_000)), tokenLine('endless', KEY_SCOPE));
  const jwt = await sign(signer, scene.clock.nowMs(), {
    scope: KEY_SCOPE,
    exp: scene.clock.nowMs() / 1000 + 5,
  });
  const [short, closed, endless, ofJwt] = [
    await scene.open('short'),
    await scene.open('short'),
    await scene.open('endless'),
    await scene.open(jwt),
  ];
  closed.close();
  const counts = (): readonly number[] => [short, closed, endless, ofJwt].map(({ count }) => count);
  scene.clock.advance(2_999);
  assert.deepEqual(counts(), [0, 0, 0, 0]);
  scene.clock.advance(1);
  assert.deepEqual(counts(), [1, 0, 0, 0]);
  assert.equal(await scene.stream('short'), 'token_expired');
  scene.clock.advance(2_000);
  assert.deepEqual(counts(), [1, 0, 0, 1]);
  scene.clock.advance(365 * DAY_MS);
  assert.deepEqual(counts(), [1, 0, 0, 1]);
  endless.close();
  assert.equal(scene.clock.scheduled, 0);
});

test('a stream of a token with a far end lives until then; a clock that is set ends it within a minute', async () => {
  const scene = new Scene();
  // Node's timers end at once where they are to wait for 25 days or more.
  scene.write(tokenLine('far', KEY_SCOPE, scene.inMs(60 * DAY_MS)));
  const stream = await scene.open('far');
  scene.clock.advance(60 * DAY_MS - 1);
  assert.equal(stream.count, 0);
  scene.clock.advance(1);
  assert.equal(stream.count, 1);

  scene.write(tokenLine('far', KEY_SCOPE, scene.inMs(60 * DAY_MS)));
  const again = await scene.open('far');
  scene.clock.setBy(61 * DAY_MS);
  scene.clock.advance(60_000);
  assert.equal(again.count, 1);
});

test('a stream ends at once when its line leaves the file or says something else, and no other does', async () => {
  const scene = new Scene(...['gone', 'changed', 'same'].map((name) => tokenLine(name, KEY_SCOPE)));
  const jwt = await scene.open(await sign(signer, scene.clock.nowMs(), { scope: KEY_SCOPE }));
  const [gone, changed, same] = [
    await scene.open('gone'),
    await scene.open('changed'),
    await scene.open('same'),
  ];
  const counts = (): readonly number[] => [gone, changed, same, jwt].map(({ count }) => count);
  scene.write(
    tokenLine('new', KEY_SCOPE),
    `# moved\n\n  ${tokenLine('same', KEY_SCOPE)}`,
    tokenLine('changed', 'sfp::read'),
  );
  assert.deepEqual(counts(), [1, 1, 0, 0]);
  assert.deepEqual(
    [await scene.stream('gone'), await scene.stream('changed')],
    ['token_invalid', 'scope_missing'],
  );
  scene.write();
  assert.deepEqual(counts(), [1, 1, 1, 0]);
});

test('an address with too many bad tokens has to wait a minute, with a good one too; others do not', async () => {
  const scene = new Scene(tokenLine('good', 'sfp::read'));
  for (let sent = 0; sent < 19; sent += 1)
    assert.equal(await scene.ask(`Bearer bad-${sent}`), 'token_invalid');
  assert.equal(await scene.ask('Bearer good'), 'good');
  assert.equal(await scene.ask('Bearer bad'), 'token_invalid');
  assert.equal(await scene.ask('Bearer good'), 'too_many_bad_tokens');
  assert.equal(scene.authority.gauge.reached, 1);
  assert.equal(await scene.ask('Bearer good', READ, '10.0.0.2'), 'good');
  assert.equal(await scene.ask(undefined), 'token_missing');
  scene.clock.advance(59_999);
  const claim = { authorization: 'Bearer good', address: '10.0.0.1' };
  const answer = await scene.authority.admit(claim, READ);
  assert.equal(answer.kind === 'refused' && answer.retryAfterMs, 1);
  scene.clock.advance(1);
  assert.equal(await scene.ask('Bearer good'), 'good');
  // A right token without the scope, or none at all, is no guess.
  for (let sent = 0; sent < 50; sent += 1)
    assert.equal(await scene.ask('Bearer good', KEY_SCOPE), 'scope_missing');
});

test('any number of addresses is remembered within bounds', async () => {
  const scene = new Scene();
  for (let sent = 0; sent < 2_500; sent += 1)
    await scene.ask('Bearer bad', READ, `10.0.${sent >> 8}.${sent & 255}`);
  assert.deepEqual(scene.authority.gauge, { entries: 1_000, entriesMax: 1_000, reached: 0 });
});

test('any header is refused, breaks nothing, and is not in the log, which has one line in ten seconds', async () => {
  const scene = new Scene(tokenLine('good', 'sfp::read'));
  let asked = 0;
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `Bearer ${Buffer.from(bytes).toString('latin1')}`),
    fc.stringMatching(/^[A-Za-z0-9]{20,80}$/).map((token) => `Bearer ${token}`),
    fc.stringMatching(/^[\w-]{9,40}\.[\w-]{9,40}\.[\w-]{0,40}$/).map((token) => `Bearer ${token}`),
  );
  await fc.assert(
    fc.asyncProperty(header, async (authorization) => {
      asked += 1;
      const fault = await scene.ask(authorization, READ, `address-${asked}`);
      assert.ok(fault === 'token_invalid' || fault === 'token_expired', fault);
      const token = authorization.replace(/^Bearer /, '');
      assert.ok(token.length < 9 || !scene.logs.text.includes(token));
      scene.clock.advance(100);
    }),
    { numRuns: 300 },
  );
  const lines = scene.logs.withMessage('access refused').length;
  assert.ok(lines > 0 && lines <= 1 + (asked * 100) / 10_000, `${lines} lines for ${asked} requests`);
});
