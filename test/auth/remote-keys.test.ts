// Keys of an issuer by URL: away, slow, huge or senseless, it costs nothing but itself; a new key is found when a token needs it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Authority } from '../../src/auth/authority.js';
import { JwtVerifier } from '../../src/auth/jwt-verifier.js';
import { createKeysClient, KEYS_BYTES_MAX, KEYS_MS_MAX } from '../../src/auth/keys-client.js';
import { RemoteKeys } from '../../src/auth/remote-keys.js';
import { READ } from '../../src/auth/scopes.js';
import { TokenTable } from '../../src/auth/token-table.js';
import { eventually } from '../e2e/deadline.js';
import { createTestLog, LogSink } from '../fakes/log-sink.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { CLIENT_OPTIONS } from '../http-client/client-options.js';
import { AUDIENCE, createSigner, ISSUER, keySetText, sign, type Signer } from './issuer.js';

const REFRESH_MS = 600_000;
const RETRY_MS = 10_000;
const UNKNOWN_KEY_PAUSE_MS = 30_000;

class Issuer {
  /** How it answers; what it publishes where undefined. */
  odd: RequestListener | undefined;
  text = '';
  requests = 0;
  readonly clock = new ManualClock();
  readonly logs = new LogSink();
  readonly keys: RemoteKeys;
  readonly authority: Authority;

  private constructor(t: TestContext, url: URL) {
    const client = createKeysClient(this.clock, { ...CLIENT_OPTIONS, url });
    const log = createTestLog(this.logs);
    this.keys = new RemoteKeys(this.clock, log, client.fetch);
    const verifier = new JwtVerifier({ issuer: ISSUER, audience: AUDIENCE });
    this.authority = new Authority(this.clock, log, {
      tokens: new TokenTable([]),
      jwt: { verifier, keys: this.keys },
    });
    t.after(async () => {
      this.keys.stop();
      await client.close();
    });
  }

  static async listen(t: TestContext): Promise<Issuer> {
    const server = createServer((request, response) => {
      issuer.requests += 1;
      if (issuer.odd !== undefined) issuer.odd(request, response);
      else response.setHeader('content-type', 'application/json').end(issuer.text);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`);
    const issuer = new Issuer(t, url);
    return issuer;
  }

  publish(...signers: readonly Signer[]): void {
    this.text = keySetText(...signers);
  }

  async ask(signer: Signer): Promise<string> {
    const token = await sign(signer, this.clock.nowMs(), { scope: READ });
    const claim = { authorization: `Bearer ${token}`, address: '10.0.0.1' };
    const answer = await this.authority.admit(claim, READ);
    return answer.kind === 'refused' ? answer.fault : answer.access.name;
  }

  async fetched(): Promise<void> {
    await eventually('keys', () => this.keys.current !== undefined && this.keys.failing === undefined);
  }

  async failed(reason: string): Promise<void> {
    await eventually(`failure: ${reason}`, () => this.keys.failing?.reason === reason);
  }
}

test('keys are fetched at the start and every ten minutes, and stay while the issuer is away', async (t) => {
  const issuer = await Issuer.listen(t);
  const [first, second] = [await createSigner('RS256', 'a'), await createSigner('RS256', 'b')];
  issuer.publish(first);
  issuer.keys.start();
  await issuer.fetched();
  assert.equal(await issuer.ask(first), 'alice');
  assert.equal(issuer.requests, 1);
  issuer.odd = (_request, response) => response.writeHead(500).end();
  issuer.clock.advance(REFRESH_MS);
  await issuer.failed('status_500');
  assert.equal(await issuer.ask(first), 'alice');
  issuer.odd = (request) => request.socket.destroy();
  issuer.clock.advance(RETRY_MS);
  await issuer.failed('connection_lost');
  assert.equal(await issuer.ask(first), 'alice');
  issuer.odd = undefined;
  issuer.publish(second);
  issuer.clock.advance(RETRY_MS);
  await issuer.fetched();
  assert.deepEqual([await issuer.ask(first), await issuer.ask(second)], ['token_invalid', 'alice']);
  const lines = issuer.logs.lines.map(({ msg }) => msg).filter((msg) => String(msg).startsWith('keys'));
  assert.deepEqual(lines, [
    'keys of the token issuer fetched',
    'keys of the token issuer not fetched: those from before stay in use',
    'keys of the token issuer fetched',
  ]);
});

test('without any keys yet a JWT is told to come again, and every odd answer is a failure by name', async (t) => {
  const issuer = await Issuer.listen(t);
  const signer = await createSigner('ES256', 'a');
  issuer.publish(signer);
  const good = issuer.text;
  for (const [reason, odd] of [
    ['status_404', (_request, response) => response.writeHead(404).end()],
    ['status_204', (_request, response) => response.writeHead(204).end()],
    ['no_token_keys', (_request, response) => response.end('<html>sign in</html>')],
    ['no_token_keys', (_request, response) => response.end('{"keys":[]}')],
    ['body_too_large', (_request, response) => response.end(good.padEnd(KEYS_BYTES_MAX + 1))],
    ['redirect_refused', (_request, response) => response.writeHead(302, { location: 'ftp://else/' }).end()],
  ] as readonly (readonly [string, RequestListener])[]) {
    issuer.odd = odd;
    if (issuer.requests === 0) issuer.keys.start();
    else issuer.clock.advance(RETRY_MS);
    await issuer.failed(reason);
    assert.equal(await issuer.ask(signer), 'token_keys_missing', reason);
    issuer.keys.failing = { sinceMs: 0, reason: 'looked at' };
  }
  assert.equal(issuer.keys.current, undefined);
  issuer.odd = undefined;
  issuer.text = good.padEnd(KEYS_BYTES_MAX);
  issuer.clock.advance(RETRY_MS);
  await issuer.fetched();
  assert.equal(await issuer.ask(signer), 'alice');
});

test('an issuer that never ends its answer is given up in time, and who waits for it is answered', async (t) => {
  const issuer = await Issuer.listen(t);
  const signer = await createSigner('ES256', 'a');
  issuer.odd = (_request, response) => {
    response.write('{');
  };
  issuer.keys.start();
  const asked = issuer.ask(signer);
  await eventually('request', () => issuer.requests === 1);
  issuer.clock.advance(KEYS_MS_MAX - 1);
  assert.equal(issuer.keys.failing, undefined);
  issuer.clock.advance(1);
  await issuer.failed('request_timeout');
  assert.equal(await asked, 'token_keys_missing');
  issuer.odd = undefined;
  issuer.publish(signer);
  issuer.clock.advance(RETRY_MS);
  await issuer.fetched();
  assert.equal(await issuer.ask(signer), 'alice');
});

test('a token of a new key makes us ask at once, once for all who wait, and invented keys twice a minute', async (t) => {
  const issuer = await Issuer.listen(t);
  const [old, next, invented] = [
    await createSigner('ES256', 'a'),
    await createSigner('ES256', 'b'),
    await createSigner('ES256', 'c'),
  ];
  issuer.publish(old);
  issuer.keys.start();
  await issuer.fetched();
  issuer.publish(old, next);
  issuer.clock.advance(UNKNOWN_KEY_PAUSE_MS);
  const asked = await Promise.all([
    issuer.ask(next),
    issuer.ask(next),
    issuer.ask(old),
    issuer.ask(invented),
  ]);
  assert.deepEqual(asked, ['alice', 'alice', 'alice', 'token_invalid']);
  assert.equal(issuer.requests, 2);
  for (let sent = 0; sent < 10; sent += 1) assert.equal(await issuer.ask(invented), 'token_invalid');
  assert.equal(issuer.requests, 2);
  issuer.clock.advance(UNKNOWN_KEY_PAUSE_MS);
  assert.equal(await issuer.ask(invented), 'token_invalid');
  assert.equal(issuer.requests, 3);
});

test('after a stop nothing is asked any more', async (t) => {
  const issuer = await Issuer.listen(t);
  issuer.publish(await createSigner('ES256', 'a'));
  issuer.keys.start();
  await issuer.fetched();
  await eventually('next turn', () => issuer.clock.scheduled > 0);
  issuer.keys.stop();
  issuer.clock.advance(2 * REFRESH_MS);
  assert.equal(await issuer.ask(await createSigner('ES256', 'b')), 'token_invalid');
  assert.equal(issuer.requests, 1);
});
