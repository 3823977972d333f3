// The doctor's checks of the way out: names, origins, outbound proxies, clocks, and each pinned key.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { originsOf } from '../../src/doctor/origins.js';
import { KEYS_TRIED_MAX, tryPinnedKeys } from '../../src/doctor/tried-keys.js';
import { systemClock } from '../../src/domain/clock.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startForwardProxy } from '../fakes/forward-proxy.js';
import { ReplaneOrigin } from '../fakes/replane/replane-origin.js';
import { freePort } from '../fakes/free-port.js';
import { TestAuthority } from '../fakes/test-authority.js';
import { findingsOf, KEY, originsAt, patientOf, type PatientOptions } from './patient.js';

const authority = new TestAuthority();
after(() => {
  authority.close();
});

async function startOrigin(t: TestContext): Promise<FakeOrigin> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return origin;
}

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const found = (addresses: readonly string[]): PatientOptions => ({
  lookup: () => Promise.resolve(addresses),
});

test('dns: each name once, with its addresses and the time they took', async () => {
  const args = originsAt('https://api.example');
  const env = { REDIS_ENTERPRISE_HOST: 'redis.example' };
  const patient = patientOf(['http', 'redis', ...args], { env, ...found(['10.0.0.1', '10.0.0.2']) });
  const lines = (await findingsOf('dns', patient)).map((line) => line.replace(/\d+ ms/, 'N ms'));
  assert.deepEqual(lines, [
    'pass: api.example (specs, ID lists, log events): 10.0.0.1, 10.0.0.2, in N ms',
    'pass: redis.example (Redis): 10.0.0.1, 10.0.0.2, in N ms',
  ]);
  const nothing = patientOf(originsAt('http://127.0.0.1:1'));
  assert.deepEqual(await findingsOf('dns', nothing), [
    'pass: settings name addresses only: nothing is to be resolved',
  ]);
});

test('dns: a name that is not found fails, and is a warning where an outbound proxy may know it', async () => {
  const lost: PatientOptions = {
    lookup: (host) =>
      host === 'proxy.example'
        ? Promise.resolve(['10.0.0.9'])
        : Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })),
  };
  const args = originsAt('https://api.example');
  assert.deepEqual(await findingsOf('dns', patientOf(args, lost)), [
    'fail: api.example (specs, ID lists, log events) cannot be resolved (ENOTFOUND)',
  ]);
  const env = { HTTPS_PROXY: 'http://user:hunter@proxy.example:3128' };
  const lines = await findingsOf('dns', patientOf(args, { ...lost, env }));
  assert.equal(lines[0], 'warn: api.example (specs, ID lists, log events) cannot be resolved (ENOTFOUND)');
  assert.match(lines[1] ?? '', /^pass: proxy\.example \(outbound proxy\): 10\.0\.0\.9, in \d+ ms$/);
});

test('dns: a resolver that takes its time is a warning', async () => {
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => (nowMs += 1_500) };
  const lines = await findingsOf(
    'dns',
    patientOf(originsAt('http://a.example'), { clock, ...found(['::1']) }),
  );
  assert.match(lines.join(), /^warn: a\.example \(.*\): ::1, but only after 1500 ms$/);
});

test('every address that settings name is among the origins', () => {
  const { config } = patientOf([
    ...['--statsig-endpoint', 'https://a.example', '--id-lists-statsig-endpoint', 'https://b.example'],
    ...['--log-event-statsig-endpoint', 'https://c.example', '--jwt-keys-url', 'https://d.example/keys'],
    ...[
      '--jwt-issuer',
      'us',
      '--jwt-audience',
      'us',
      '--statsig-endpoint-download-id-list-file',
      'https://e.example/lists',
    ],
    ...['--replane-endpoint', 'https://f.example/replane'],
  ]);
  assert.deepEqual(
    originsOf(config).map(({ url }) => url.hostname),
    ['a.example', 'b.example', 'c.example', 'd.example', 'f.example', 'e.example'],
  );
});

test('origin: an answer, whatever its status, means that it can be reached; and tells the time', async (t) => {
  const origin = await startOrigin(t);
  const args = originsAt(origin.url);
  const lines = await findingsOf('origin', patientOf(args));
  const host = new URL(origin.url).host;
  assert.match(
    lines[0] ?? '',
    /^pass: http:\/\/\S+ \(specs, ID lists, log events\): HTTP status \d+ in \d+ ms$/,
  );
  assert.equal(lines[1], `pass: this machine's clock agrees with that of ${host}`);
  assert.ok(origin.requests.every(({ url }) => url === '/'));
  for (const [byMs, expected] of [
    [60_000, ['warn', 'ahead of', 60]],
    [-3_600_000, ['fail', 'behind', 3_600]],
  ] as const) {
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + byMs };
    const [, told = ''] = await findingsOf('origin', patientOf(args, { clock }));
    const [, verdict, seconds, way] =
      /^(\w+): this machine's clock is (\d+) s (ahead of|behind) that of /.exec(told) ?? [];
    assert.deepEqual([verdict, way], [expected[0], expected[1]], told);
    // By whole seconds, and by what a busy machine makes of the middle of a request.
    assert.ok(Math.abs(Number(seconds) - expected[2]) <= 5, told);
  }
});

test('origin: one that cannot be reached fails with the reason', async (t) => {
  const refused = await findingsOf('origin', patientOf(originsAt(`http://127.0.0.1:${await freePort()}`)));
  assert.match(refused.join(), /^fail: http:\S+ \(.*\): connection_refused \(ECONNREFUSED\)$/);
  const { cert, key } = authority.issue('origin');
  const secure = createTlsServer({ cert, key }, (_request, response) => response.writeHead(404).end());
  const https = `https://127.0.0.1:${await listening(t, secure)}`;
  const distrusted = await findingsOf('origin', patientOf(originsAt(https)));
  assert.match(distrusted.join(), /^fail: .*: tls_failed \(/);
  const trusted = await findingsOf(
    'origin',
    patientOf([...originsAt(https), '--origin-ca-file', authority.caPath]),
  );
  assert.match(trusted.join(), /^pass: .*: HTTP status 404 in/);
  const silent = await listening(
    t,
    createTcpServer(() => undefined),
  );
  const late = patientOf([...originsAt(`http://127.0.0.1:${silent}`), '--http-request-timeout-in-s', '1']);
  assert.match((await findingsOf('origin', late)).join(), /^fail: .*: request_timeout \(/);
});

test('origin: a server that fails, or a gateway in front of it, is a warning', async (t) => {
  const broken = createServer((_request, response) => response.writeHead(502).end());
  const lines = await findingsOf(
    'origin',
    patientOf(originsAt(`http://127.0.0.1:${await listening(t, broken)}`)),
  );
  assert.match(lines[0] ?? '', /^warn: .*: HTTP status 502 in/);
});

test('origin: the way leads through the outbound proxy, which may refuse; its password is not shown', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await startForwardProxy(t, { login: 'user:hunter-two' });
  const { host } = new URL(proxy.url);
  const find = async (login: string, more: readonly string[] = []): Promise<string> =>
    (
      await findingsOf('origin', patientOf([...originsAt(origin.url), '--http-proxy', login + host, ...more]))
    )[0] ?? '';
  const good = await find('http://user:hunter-two@');
  assert.match(good, /^pass: .*by the outbound proxy unless NO_PROXY names it\): HTTP status/);
  assert.ok(proxy.asked.length > 0);
  assert.match(await find('http://user:hunter-three@'), /^fail: .*: HTTP status 407/);
  assert.match(await find('http://user:hunter-three@', ['--no-proxy', '127.0.0.1']), /^pass: /);
  const gone = `http://user:hunter-two@127.0.0.1:${await freePort()}`;
  const lost = patientOf([...originsAt(origin.url), '--http-proxy', gone]);
  assert.match((await findingsOf('origin', lost))[0] ?? '', /^fail: .*: outbound_proxy_failed/);
  assert.doesNotMatch(`${good}${(await findingsOf('origin', lost)).join()}`, /hunter/);
});

test('keys: each is good, refused, or not answered for; none is shown', async (t) => {
  const origin = await startOrigin(t);
  const other = 'secret-zyxwvutsrq9876543210';
  const env = { SFP_SDK_KEYS: `web=${KEY},${other}` };
  const args = originsAt(origin.url);
  const find = async (): Promise<string[]> => (await findingsOf('keys', patientOf(args, { env }))).sort();
  const time = '2025-06-15T15:06:40.000Z';
  const all = `v1 json of ${time}, v2 json of ${time}, v2 protobuf of ${time}`;
  assert.deepEqual(await find(), [`pass: secret-abcd***: ${all}`, `pass: secret-zyxw***: ${all}`]);
  origin.refusedKeys.add(other);
  assert.deepEqual(await find(), [
    'fail: secret-zyxw***: the origin refuses it for v1 json, v2 json, v2 protobuf (HTTP status 403)',
    `pass: secret-abcd***: ${all}`,
  ]);
  origin.fault = (response) => response.writeHead(503).end();
  assert.deepEqual(
    (await find())[0],
    'fail: secret-abcd***: v1 json, v2 json, v2 protobuf: status_503 (HTTP status 503)',
  );
  origin.fault = undefined;
  origin.refusedKeys.clear();
  origin.project = { ...origin.project, time: systemClock.nowMs() + 10 * 86_400_000 };
  assert.match((await find())[0] ?? '', /^warn: secret-abcd\*\*\*: v1 json of .* over a day in the future$/);
  assert.deepEqual(await findingsOf('keys', patientOf(args)), [
    'pass: no SDK key is pinned, so none was tried',
  ]);
});

test('keys: no more than a hundred are tried, and only once for all checks', async (t) => {
  const origin = await startOrigin(t);
  const keys = Array.from({ length: KEYS_TRIED_MAX + 7 }, (_none, index) => `secret-many${index}0123456789`);
  const patient = patientOf(originsAt(origin.url), { env: { SFP_SDK_KEYS: keys.join(',') } });
  const lines = await findingsOf('keys', patient);
  assert.equal(lines.length, KEYS_TRIED_MAX + 1);
  assert.equal(lines.at(-1), 'pass: 7 more pinned keys were not tried');
  await findingsOf('memory', patient);
  assert.equal(origin.requests.length, KEYS_TRIED_MAX * 3);
});

test('keys: the manifest of ID lists is tried where settings want it', async (t) => {
  const origin = await startOrigin(t);
  const args = [...originsAt(origin.url), '--pinned-payloads', 'id-lists'];
  const patient = patientOf(args, { env: { SFP_SDK_KEYS: KEY } });
  const { payloads } = await tryPinnedKeys(patient);
  assert.deepEqual(
    payloads.map(({ key }) => key.kind.name),
    ['v1', 'v2', 'v2', 'id_lists'],
  );
});

test("Replane's server is reached, and pinned keys of its are accepted or refused", async (t) => {
  const origin = await ReplaneOrigin.start();
  t.after(() => origin.down());
  const { sdkKey } = origin.addKey();
  const revoked = origin.addKey().sdkKey;
  origin.revoke(revoked);
  const args = [...originsAt('http://127.0.0.1:9'), '--replane-endpoint', origin.url];
  const patient = patientOf(args, { env: { SFP_SDK_KEYS: `${sdkKey},${revoked}` } });
  const reached = await findingsOf('origin', patient);
  assert.match(reached.join('\n'), /^pass: \S+ \(Replane\): HTTP status \d+ in \d+ ms$/m);
  const [accepted, refused, ...others] = await findingsOf('keys', patient);
  assert.match(accepted ?? '', /^pass: \S+: replane of \d{4}-/);
  assert.match(refused ?? '', /^fail: \S+: the origin refuses it for replane \(HTTP status 401\)$/);
  assert.deepEqual(others, []);
});
