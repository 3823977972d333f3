// The versions of specs as operators see them through the admin port, with the whole app: listed, compared, and who may.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { keyScope } from '../../src/auth/scopes.js';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { tokenLine } from '../auth/issuer.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { temporaryFile } from '../process/temporary-file.js';

const SPEC = `/api/v1/specs/${hashSdkKey(SDK_KEY)}/v2/protobuf`;
const PUBLIC = `/v2/download_config_specs/${SDK_KEY}.json?supports_proto=true`;
const EVERY_SECOND = ['--polling-interval-in-s', '1'];

interface Version {
  readonly version: number;
  readonly source: string;
  readonly replica: string;
}

async function start(
  t: TestContext,
  options: Partial<TestProxyOptions> = {},
): Promise<[TestProxy, FakeOrigin]> {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({
    ...options,
    origin: origin.url,
    args: [...EVERY_SECOND, ...(options.args ?? [])],
  });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  return [proxy, origin];
}

function ask({ adminUrl }: TestProxy, path: string, token?: string): Promise<RawAnswer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return rawRequest(`${adminUrl}${path}`, { headers });
}

async function versions(proxy: TestProxy): Promise<readonly Version[]> {
  const { status, text } = await ask(proxy, `${SPEC}/versions`);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { readonly versions: readonly Version[] }).versions;
}

async function hasVersions(proxy: TestProxy, count: number): Promise<readonly Version[]> {
  let found: readonly Version[] = [];
  await eventually(`${count} versions`, async () => {
    found = await versions(proxy);
    return found.length === count;
  });
  return found;
}

/** Two versions: the gate of the demo is open in the first, and closed in the second. */
async function twoVersions(proxy: TestProxy, origin: FakeOrigin): Promise<readonly Version[]> {
  assert.equal((await rawRequest(`${proxy.url}${PUBLIC}`)).status, 200);
  await hasVersions(proxy, 1);
  origin.project = { ...origin.project, time: origin.project.time + 1, isGateOpen: false };
  return await hasVersions(proxy, 2);
}

test('in memory: versions are listed and compared in a thread, and what is not there is 404', async (t) => {
  const [proxy, origin] = await start(t);
  const { time } = origin.project;
  const listed = await twoVersions(proxy, origin);
  assert.deepEqual(
    listed.map(({ version, source, replica }) => [version, source, replica]),
    [
      [time + 1, 'origin', 'test-replica'],
      [time, 'origin', 'test-replica'],
    ],
  );
  const { text } = await ask(proxy, `${SPEC}/diff?from=${time}&to=${time + 1}`);
  const { groups } = JSON.parse(text) as {
    groups: { gates: { changed: object; details: { rules: object[] }[] } };
  };
  assert.deepEqual(groups.gates.changed, { count: 1, names: ['demo_gate'] });
  assert.match(JSON.stringify(groups.gates.details[0]?.rules), /"passPercentage":100.*"passPercentage":0/);
  const { specs } = JSON.parse((await ask(proxy, '/api/v1/specs')).text) as {
    specs: Record<string, unknown>[];
  };
  assert.deepEqual(
    specs.map(({ keyHash, api, format, version }) => [keyHash, api, format, version]),
    [[hashSdkKey(SDK_KEY), 'v2', 'protobuf', time + 1]],
  );
  assert.ok(!JSON.stringify(specs).includes(SDK_KEY));
  for (const [path, status] of [
    [`${SPEC}/diff?from=1&to=${time}`, 404],
    [`${SPEC}/diff?from=${time}&to=1`, 404],
    [`${SPEC}/diff?from=${time}`, 400],
    [`${SPEC}/diff?from=x&to=${time}`, 400],
    [`/api/v1/specs/${hashSdkKey('other')}/v2/protobuf/versions`, 404],
    [`/api/v1/specs/${hashSdkKey(SDK_KEY)}/v1/json/versions`, 404],
    ['/api/v1/nothing', 404],
  ] as const) {
    assert.equal((await ask(proxy, path)).status, status, path);
  }
  const headers = { 'content-type': 'application/json' };
  const options = { method: 'POST', headers, body: '{}' };
  const tried = await rawRequest(`${proxy.adminUrl}${SPEC}/evaluate`, options);
  assert.deepEqual([tried.status, tried.text.includes('Only Replane projects')], [404, true]);
});

test('in a data directory: versions outlive a restart', async (t) => {
  const args = ['--data-dir', makeTemporaryFolder('versions')];
  const [proxy, origin] = await start(t, { cache: 'local', args });
  const before = await twoVersions(proxy, origin);
  await proxy.app.stop();
  const again = await startProxy({ origin: origin.url, cache: 'local', args });
  t.after(() => again.app.stop());
  assert.equal((await rawRequest(`${again.url}${PUBLIC}`)).status, 200);
  assert.deepEqual(await versions(again), before);
  const [newest, first] = before;
  const path = `${SPEC}/diff?from=${first?.version}&to=${newest?.version}`;
  assert.equal((await ask(again, path)).status, 200);
});

test('in Redis: replicas have one list, in which each version is as the one that polled it had it', async (t) => {
  const redis = await startRedisServer(t);
  const args = ['--redis-port', String(redis.port)];
  const [proxy, origin] = await start(t, { cache: 'redis', args });
  const other = await startProxy({ origin: origin.url, cache: 'redis', args: [...EVERY_SECOND, ...args] });
  t.after(() => other.app.stop());
  assert.equal((await rawRequest(`${other.url}${PUBLIC}`)).status, 200);
  const listed = await twoVersions(proxy, origin);
  assert.ok(listed.every(({ source }) => source === 'origin'));
  assert.deepEqual(await hasVersions(other, 2), listed);
  const names = await redis.client().keys('*');
  assert.ok(names.every((name) => !name.includes(SDK_KEY)));
});

test('each token sees what its scopes say, and nothing else', async (t) => {
  const lines = [
    tokenLine('the-reader', 'sfp::read'),
    tokenLine('the-key', keyScope(SDK_KEY)),
    tokenLine('the-other-key', keyScope('secret-otherkey0123456789')),
    tokenLine('the-operator', 'sfp::operate'),
  ];
  const [proxy] = await start(t, { args: ['--tokens-file', temporaryFile(t, lines.join('\n'))] });
  assert.equal((await rawRequest(`${proxy.url}${PUBLIC}`)).status, 200);
  const expected: Readonly<Record<string, readonly number[]>> = {
    'the-reader': [200, 200, 404],
    'the-key': [403, 200, 404],
    'the-other-key': [403, 403, 403],
    'the-operator': [403, 403, 403],
    unknown: [401, 401, 401],
  };
  for (const [token, statuses] of Object.entries(expected)) {
    const paths = ['/api/v1/specs', `${SPEC}/versions`, `${SPEC}/diff?from=1&to=2`];
    for (const [index, path] of paths.entries())
      assert.equal((await ask(proxy, path, token)).status, statuses[index], `${token} ${path}`);
  }
  assert.equal((await ask(proxy, '/api/v1/specs/not-a-hash/v2/json/versions', 'the-key')).status, 403);
  const refusal = await ask(proxy, `${SPEC}/versions`, 'the-other-key');
  assert.match(refusal.text, /sfp::read or sfp::[0-9a-f]{64}/);
});
