// The admin port: who may have what of it, by address and by token, while the whole app runs.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { fastify } from 'fastify';
import { keyScope } from '../../src/auth/scopes.js';
import { guard } from '../../src/servers/admin/admin-access.js';
import { AUDIENCE, createSigner, ISSUER, keySetText, sign, tokenLine } from '../auth/issuer.js';
import { eventually } from '../e2e/deadline.js';
import { mountSecret } from '../fakes/mounted-secret.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { NO_ORIGIN } from '../process/origin.js';
import { temporaryFile } from '../process/temporary-file.js';

const BEYOND_LOOPBACK = ['--admin-host', '0.0.0.0'];
const KEY_SCOPE = keyScope('secret-testkey0123456789');

async function start(t: TestContext, args: readonly string[]): Promise<TestProxy> {
  const proxy = await startProxy({ origin: NO_ORIGIN, args });
  t.after(() => proxy.app.stop());
  return proxy;
}

function get(proxy: TestProxy, path: string, token?: string, method = 'GET'): Promise<RawAnswer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return rawRequest(`${proxy.adminUrl}${path}`, { method, headers });
}

function reasonOf({ text }: RawAnswer): unknown {
  return (JSON.parse(text) as { readonly reason?: unknown }).reason;
}

const PUBLIC = ['/v1/health', '/v1/ready', '/v1/startup', '/metrics'];
/** Profiles of no seconds are refused, once it is clear that whoever asks may have one. */
const PROFILES = ['/debug/pprof/profile?seconds=0', '/debug/pprof/heap?seconds=0'];
const PRIVATE = ['/status', '/status/', '//status', '/status?keys=', '/%73tatus', ...PROFILES];

test('on loopback everything is answered, as long as no tokens are set', async (t) => {
  const proxy = await start(t, []);
  for (const path of [...PUBLIC, ...PRIVATE]) assert.notEqual((await get(proxy, path)).status, 401, path);
  assert.equal((await get(proxy, '/status')).status, 200);
  assert.equal((await get(proxy, '/status', 'any')).status, 200);
});

test('beyond loopback without tokens, only probes and metrics are answered', async (t) => {
  const proxy = await start(t, BEYOND_LOOPBACK);
  for (const path of PUBLIC) assert.notEqual((await get(proxy, path)).status, 401, path);
  for (const path of PRIVATE) {
    const answer = await get(proxy, path);
    assert.equal(answer.status, 401, path);
    assert.equal(reasonOf(answer), 'token_missing');
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    assert.match(answer.text, /--admin-without-token/);
  }
  assert.equal((await get(proxy, '/status', undefined, 'HEAD')).status, 401);
  assert.equal((await get(proxy, '/status', 'any')).status, 401);
  assert.equal((await get(proxy, '/nothing')).status, 404);
  assert.equal(proxy.logs.lines.filter(({ msg }) => String(msg).startsWith('admin port beyond')).length, 1);
});

test('beyond loopback --admin-without-token answers everything', async (t) => {
  const proxy = await start(t, [...BEYOND_LOOPBACK, '--admin-without-token']);
  assert.equal((await get(proxy, '/status')).status, 200);
});

test('with tokens, each kind gets what it should, wherever the port listens, and nothing of it is logged', async (t) => {
  const tokensFile = temporaryFile(
    t,
    [
      tokenLine('the-right-token', 'sfp::read'),
      tokenLine('the-expired-token', 'sfp::read', '2026-01-01T00:00:00Z'),
      tokenLine('the-operating-token', 'sfp::operate'),
      tokenLine('the-token-of-a-key', KEY_SCOPE),
    ].join('\n'),
  );
  const signer = await createSigner('ES256', 'a');
  const keysFile = temporaryFile(t, keySetText(signer));
  const jwt = (scope: string): Promise<string> => sign(signer, Date.now(), { scope });
  const [right, lacking, malformed] = [
    await jwt('sfp::read'),
    await jwt('openid'),
    await jwt('sfp::read sfp::x'),
  ];
  const invalid = 'Bearer error="invalid_token"';
  const insufficient = 'Bearer error="insufficient_scope", scope="sfp::read"';
  const rows: readonly (readonly [string | undefined, number, string?, string?])[] = [
    [undefined, 401, 'token_missing', 'Bearer'],
    ['a-wrong-token', 401, 'token_invalid', invalid],
    ['the-expired-token', 401, 'token_expired', invalid],
    ['the-operating-token', 403, 'scope_missing', insufficient],
    ['the-token-of-a-key', 403, 'scope_missing', insufficient],
    ['the-right-token', 200],
    [right, 200],
    [lacking, 403, 'scope_missing', insufficient],
    [malformed, 401, 'token_invalid', invalid],
    [`${right.slice(0, -8)}AAAAAAAA`, 401, 'token_invalid', invalid],
  ];
  const jwtArgs = ['--jwt-keys-file', keysFile, '--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE];
  for (const host of [[], BEYOND_LOOPBACK]) {
    const proxy = await start(t, ['--tokens-file', tokensFile, ...jwtArgs, ...host, '--log-level', 'debug']);
    for (const [token, code, reason, challenge] of rows) {
      const answer = await get(proxy, '/status?keys=', token);
      assert.equal(answer.status, code, token);
      assert.equal(answer.headers['www-authenticate'], challenge, token);
      if (reason !== undefined) assert.equal(reasonOf(answer), reason, token);
    }
    for (const path of PUBLIC) assert.notEqual((await get(proxy, path)).status, 401, path);
    const metrics = (await get(proxy, '/metrics')).text;
    assert.match(metrics, /^sfp_access_refused_total\{reason="token_invalid"\} 3$/m);
    assert.match(metrics, /^sfp_access_refused_total\{reason="scope_missing"\} 3$/m);
    const { access } = JSON.parse((await get(proxy, '/status', right)).text) as { readonly access: object };
    assert.deepEqual(access, {
      admin: 'tokens',
      tokens: 4,
      jwtKeys: 1,
      refused: { token_missing: 1, token_invalid: 3, token_expired: 1, scope_missing: 3 },
    });
    for (const token of ['a-wrong-token', right, lacking, malformed]) {
      assert.ok(!proxy.logs.text.includes(token), token);
    }
    assert.equal(proxy.logs.withMessage('access refused').length, 1);
  }
});

test('each route asks for the scope that it declares, and no other will do', async (t) => {
  const tokens = { reader: 'sfp::read', operator: 'sfp::operate', both: 'sfp::read,sfp::operate' };
  const lines = Object.entries({ ...tokens, ofKey: KEY_SCOPE }).map(([name, scopes]) =>
    tokenLine(name, scopes),
  );
  const proxy = await start(t, ['--tokens-file', temporaryFile(t, lines.join('\n'))]);
  const rows: readonly (readonly [path: string, allowed: number, whose: readonly string[]])[] = [
    ['/status', 200, ['reader', 'both']],
    ...PROFILES.map((path) => [path, 400, ['operator', 'both']] as const),
  ];
  for (const [path, allowed, whose] of rows) {
    assert.equal((await get(proxy, path)).status, 401, path);
    for (const token of ['reader', 'operator', 'both', 'ofKey']) {
      const answer = await get(proxy, path, token);
      assert.equal(answer.status, whose.includes(token) ? allowed : 403, `${path} ${token}`);
    }
  }
});

test('who guesses has to wait', async (t) => {
  const tokensFile = temporaryFile(t, tokenLine('right', 'sfp::read'));
  const proxy = await start(t, ['--tokens-file', tokensFile]);
  for (let sent = 0; sent < 20; sent += 1) assert.equal((await get(proxy, '/status', 'guess')).status, 401);
  const answer = await get(proxy, '/status', 'right');
  assert.equal(answer.status, 429);
  assert.equal(reasonOf(answer), 'too_many_bad_tokens');
  assert.match(String(answer.headers['retry-after']), /^(?:[1-9]|[1-5]\d|60)$/);
  for (const path of ['/v1/health', '/metrics']) assert.equal((await get(proxy, path)).status, 200);
});

test('tokens of a mounted Secret are followed; a faulty one changes nothing and is a problem', async (t) => {
  const secret = mountSecret(t, tokenLine('first', 'sfp::read'));
  const proxy = await start(t, ['--tokens-file', secret.path]);
  const statusFor = async (token: string): Promise<number> => (await get(proxy, '/status', token)).status;
  assert.deepEqual([await statusFor('first'), await statusFor('second')], [200, 401]);
  secret.update(tokenLine('second', 'sfp::read'));
  await proxy.logs.waitFor(({ msg }) => msg === 'tokens file read again');
  assert.deepEqual([await statusFor('first'), await statusFor('second')], [401, 200]);
  secret.update('second my-plain-token sfp::read');
  const line = await proxy.logs.waitFor(({ msg }) => String(msg).startsWith('tokens file not taken over'));
  assert.match(String(line['faults']), /line 1 has no SHA-256/);
  assert.ok(!proxy.logs.text.includes('my-plain-token'));
  const { problems } = JSON.parse((await get(proxy, '/status', 'second')).text) as {
    readonly problems: readonly { readonly reason: string; readonly what: string }[];
  };
  assert.ok(
    problems.some(({ reason, what }) => reason === 'file_not_taken_over' && /tokens file/.test(what)),
  );
});

test('keys in a file are followed', async (t) => {
  const [old, next] = [await createSigner('RS256', 'a'), await createSigner('EdDSA', 'b')];
  const keysFile = temporaryFile(t, keySetText(old));
  const proxy = await start(t, [
    ...['--jwt-keys-file', keysFile, '--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE],
  ]);
  const tokens = [
    await sign(old, Date.now(), { scope: 'sfp::read' }),
    await sign(next, Date.now(), { scope: 'sfp::read' }),
  ];
  const codes = async (): Promise<number[]> =>
    (await Promise.all(tokens.map((token) => get(proxy, '/status', token)))).map(({ status }) => status);
  assert.deepEqual(await codes(), [200, 401]);
  writeFileSync(keysFile, '{}');
  proxy.app.readFilesAgain();
  await proxy.logs.waitFor(({ msg }) => String(msg).startsWith('JWT keys file not taken over'));
  assert.deepEqual(await codes(), [200, 401]);
  writeFileSync(keysFile, keySetText(next));
  proxy.app.readFilesAgain();
  await proxy.logs.waitFor(({ msg }) => msg === 'JWT keys file read again');
  assert.deepEqual(await codes(), [401, 200]);
});

test('keys come by URL; until they do, a JWT is answered with 503, and /status names the problem to who may see it', async (t) => {
  const signer = await createSigner('ES256', 'a');
  let isAway = true;
  const server = createServer((_request, response) => {
    if (isAway) response.writeHead(502).end();
    else response.end(keySetText(signer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const tokensFile = temporaryFile(t, tokenLine('of-file', 'sfp::read'));
  const proxy = await start(t, [
    ...['--tokens-file', tokensFile, '--jwt-keys-url', url],
    ...['--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE],
  ]);
  await proxy.logs.waitFor(({ msg }) => String(msg).startsWith('keys of the token issuer not fetched'));
  const jwt = await sign(signer, Date.now(), { scope: 'sfp::read' });
  const answer = await get(proxy, '/status', jwt);
  assert.deepEqual(
    [answer.status, reasonOf(answer), answer.headers['retry-after']],
    [503, 'token_keys_missing', '5'],
  );
  const { problems } = JSON.parse((await get(proxy, '/status', 'of-file')).text) as {
    readonly problems: readonly { readonly reason: string; readonly what: string }[];
  };
  assert.deepEqual(
    problems.filter(({ reason }) => reason === 'token_keys_failing').map(({ what }) => what),
    ['The keys of the token issuer cannot be fetched: status_502.'],
  );
  isAway = false;
  await eventually('keys', async () => (await get(proxy, '/status', jwt)).status === 200);
});

test('a route that does not say what it needs cannot be added', () => {
  const app = fastify();
  guard(app, undefined);
  assert.throws(() => app.get('/open', () => ''), /\/open does not say what it needs/);
  assert.doesNotThrow(() => app.get('/named', { config: { needs: 'nothing' } }, () => ''));
});
