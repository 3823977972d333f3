// The whole app with its places: started again without an origin, without Redis, with neither; and what /status says.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { FAILING } from '../fakes/origin-faults.js';
import { SDK_KEY, startProxy, stopWhenSaved, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { freePort } from '../fakes/free-port.js';
import { startRedisServer } from '../fakes/redis-server.js';

const PATHS = [
  `/v1/download_config_specs/${SDK_KEY}.json`,
  `/v2/download_config_specs/${SDK_KEY}.json`,
  `/v2/download_config_specs/${SDK_KEY}.json?supports_proto=true`,
];

/** Not there yet. */
function dataFolder(): string {
  return join(makeTemporaryFolder('specs'), 'data');
}

async function start(t: TestContext, options: TestProxyOptions): Promise<TestProxy> {
  const proxy = await startProxy(options);
  t.after(() => proxy.app.stop());
  return proxy;
}

async function startOrigin(t: TestContext): Promise<FakeOrigin> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return origin;
}

async function readAll(proxy: TestProxy): Promise<readonly string[]> {
  const answers = await Promise.all(PATHS.map((path) => rawRequest(proxy.url + path)));
  return answers.map(
    ({ status, headers }) => `${status} ${String(headers['x-since-time'])} ${String(headers['etag'])}`,
  );
}

async function status(proxy: TestProxy): Promise<Record<string, unknown>> {
  return JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as Record<string, unknown>;
}

test('local: a restart with the origin down serves every spec that was known, byte for byte', async (t) => {
  const origin = await startOrigin(t);
  const dataDir = dataFolder();
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', dataDir] } as const;
  const first = await start(t, options);
  const before = await readAll(first);
  await stopWhenSaved(first);
  origin.fault = FAILING.status_503;
  const second = await start(t, options);
  assert.deepEqual(await readAll(second), before);
  assert.ok(before.every((answer) => answer.startsWith('200 ')));
});

test('local: what comes from the disk is confirmed behind, and then has the newest', async (t) => {
  const origin = await startOrigin(t);
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', dataFolder()] } as const;
  const first = await start(t, options);
  await readAll(first);
  await stopWhenSaved(first);
  origin.project = { ...origin.project, time: origin.project.time + 1 };
  const release = origin.hold();
  const second = await start(t, options);
  const path = PATHS[0] ?? '';
  assert.equal((await rawRequest(second.url + path)).headers['x-since-time'], '1750000000000');
  release();
  await eventually('the update', async () => {
    return (await rawRequest(second.url + path)).headers['x-since-time'] === '1750000000001';
  });
});

test('local: pinned keys are there at once, though the origin answers nobody', async (t) => {
  const origin = await startOrigin(t);
  const args = ['--data-dir', dataFolder()];
  const options = { origin: origin.url, cache: 'local', args, env: { SFP_SDK_KEYS: SDK_KEY } } as const;
  const first = await start(t, options);
  await first.app.startedUp;
  await stopWhenSaved(first);
  const release = origin.hold();
  t.after(release);
  const second = await start(t, options);
  await second.app.startedUp;
  assert.ok((await readAll(second)).every((answer) => answer.startsWith('200 ')));
});

test('local: a file that was tampered with is fetched anew, set aside and told', async (t) => {
  const origin = await startOrigin(t);
  const dataDir = dataFolder();
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', dataDir] } as const;
  const first = await start(t, options);
  const [before] = await readAll(first);
  await stopWhenSaved(first);
  const folder = join(dataDir, 'specs');
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2);
    writeFileSync(join(folder, name), bytes);
  }
  const second = await start(t, options);
  assert.equal((await readAll(second))[0], before);
  assert.ok(second.logs.withMessage('stored spec set aside: it cannot be used').length > 0);
});

test('local: a directory that cannot be had is told, and nothing else is different', async (t) => {
  const origin = await startOrigin(t);
  const file = `${dataFolder()}-file`;
  writeFileSync(file, 'no directory');
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', join(file, 'below')] } as const;
  const proxy = await start(t, options);
  assert.ok((await readAll(proxy)).every((answer) => answer.startsWith('200 ')));
  await eventually('a line', () =>
    proxy.logs.lines.some((line) => String(line['msg']).startsWith('data folder fails')),
  );
});

test('redis: a replica that starts with the origin down serves what another one has fetched', async (t) => {
  const origin = await startOrigin(t);
  const redis = await startRedisServer(t);
  // A poll of the first one would count as a question of the second.
  const args = ['-p', '3600'];
  const options = { origin: origin.url, cache: 'redis', args, env: { REDIS_URL: redis.url } } as const;
  const first = await start(t, options);
  const before = await readAll(first);
  await eventually('all specs in Redis', async () => (await redis.client().keys('statsig|*')).length === 3);
  origin.fault = FAILING.status_503;
  const second = await start(t, { ...options, env: { ...options.env, HOSTNAME: 'second' } });
  const requests = origin.requests.length;
  assert.deepEqual(await readAll(second), before);
  assert.equal(origin.requests.length, requests);
  const { redis: told, cache } = await status(second);
  assert.deepEqual([cache, (told as { isLeader: boolean }).isLeader], ['redis', false]);
});

test('redis with a directory: with Redis and the origin gone, the directory is read', async (t) => {
  const origin = await startOrigin(t);
  const redis = await startRedisServer(t);
  const args = ['--data-dir', dataFolder()];
  const options = { origin: origin.url, cache: 'redis', env: { REDIS_URL: redis.url }, args } as const;
  const first = await start(t, options);
  const before = await readAll(first);
  await stopWhenSaved(first);
  await redis.kill();
  origin.fault = FAILING.status_503;
  const second = await start(t, options);
  assert.deepEqual(await readAll(second), before);
});

test('redis: one that is not there keeps nobody from anything', async (t) => {
  const origin = await startOrigin(t);
  const env = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
  const proxy = await start(t, { origin: origin.url, cache: 'redis', env });
  assert.ok((await readAll(proxy)).every((answer) => answer.startsWith('200 ')));
  assert.equal(proxy.logs.lines.filter((line) => String(line['msg']).startsWith('redis ')).length, 1);
  const { redis: told, problems } = (await status(proxy)) as {
    redis: { uses: { connection: { reason: string } } };
    problems: readonly { readonly reason: string; readonly what: string }[];
  };
  assert.deepEqual(
    problems.map(({ reason, what }) => [reason, what]),
    [['redis_failing', 'Redis fails: connection_refused.']],
  );
  assert.equal(told.uses.connection.reason, 'connection_refused');
});
