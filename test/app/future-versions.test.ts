// An origin that once sends a version far in the future: what is held stays, what was held of it gives way, everywhere.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { FAILING } from '../fakes/origin-faults.js';
import { SDK_KEY, startProxy, stopWhenSaved, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { FleetScene, INTERVAL_MS } from './fleet-scene.js';

const GOOD = 1_750_000_000_000;
const MICROSECONDS = GOOD * 1_000;
const FUTURES = [MICROSECONDS, 2 ** 53 - 1];
const PATH = `/v2/download_config_specs/${SDK_KEY}.json`;
const HELD_LINE = 'spec has a version in the future: served until any other comes, as nothing else is held';
const IGNORED_LINE =
  'origin sent a version in the future, which is ignored: still serving the last good spec';

async function startOrigin(t: TestContext): Promise<FakeOrigin> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return origin;
}

async function start(t: TestContext, options: TestProxyOptions): Promise<TestProxy> {
  const proxy = await startProxy({ ...options, args: ['-p', '1', ...(options.args ?? [])] });
  t.after(() => proxy.app.stop());
  return proxy;
}

function publish(origin: FakeOrigin, time: number): void {
  origin.project = { ...origin.project, time, greeting: `hello at ${time}` };
}

async function versionAt(proxy: TestProxy): Promise<number> {
  return Number((await rawRequest(proxy.url + PATH)).headers['x-since-time']);
}

async function untilVersion(proxy: TestProxy, version: number): Promise<void> {
  await eventually(`version ${version}`, async () => (await versionAt(proxy)) === version);
}

for (const future of FUTURES) {
  test(`${future} from the origin replaces nothing, is told, and the next right version is taken`, async (t) => {
    const origin = await startOrigin(t);
    const proxy = await start(t, { origin: origin.url });
    await untilVersion(proxy, GOOD);
    const etag = String((await rawRequest(proxy.url + PATH)).headers['etag']);
    publish(origin, future);
    const line = await proxy.logs.waitFor(({ msg }) => msg === IGNORED_LINE);
    assert.equal(line['level'], 'error');
    assert.match(String(line['detail']), new RegExp(String(future)));
    assert.equal(await versionAt(proxy), GOOD);
    const status = JSON.parse((await rawRequest(`${proxy.adminUrl}/status?keys=`)).text) as {
      readonly specs: { readonly byKey: readonly { readonly lastOutcome: unknown }[] };
    };
    assert.match(JSON.stringify(status.specs.byKey[0]?.lastOutcome), /version_in_future/);
    const same = await rawRequest(proxy.url + PATH, { headers: { 'if-none-match': etag } });
    assert.equal(same.status, 304);
    publish(origin, GOOD + 1);
    await untilVersion(proxy, GOOD + 1);
    const changed = await rawRequest(proxy.url + PATH, { headers: { 'if-none-match': etag } });
    assert.equal(changed.status, 200);
    assert.equal(proxy.logs.withMessage(IGNORED_LINE).length, 1);
  });

  test(`${future} is served where nothing else is held, and gives way; a client that has it is sent what is right`, async (t) => {
    const origin = await startOrigin(t);
    publish(origin, future);
    const proxy = await start(t, { origin: origin.url });
    assert.match((await rawRequest(proxy.url + PATH)).text, new RegExp(`"time":${future}`));
    assert.equal((await rawRequest(`${proxy.url}${PATH}?sinceTime=${future}`)).text, '{"has_updates":false}');
    assert.equal((await rawRequest(`${proxy.url}${PATH}?sinceTime=${GOOD}`)).text, '{"has_updates":false}');
    const [line] = proxy.logs.withMessage(HELD_LINE);
    assert.equal(line?.['level'], 'error');
    publish(origin, GOOD);
    await untilVersion(proxy, GOOD);
    const answer = await rawRequest(`${proxy.url}${PATH}?sinceTime=${future}`);
    assert.match(answer.text, new RegExp(`"time":${GOOD},`));
    assert.equal(proxy.logs.withMessage(HELD_LINE).length, 1);
  });
}

test('a stream that began with a version in the future gets the right one', async (t) => {
  const origin = await startOrigin(t);
  publish(origin, MICROSECONDS);
  const proxy = await start(t, { origin: origin.url, mode: 'grpc' });
  const client = new GrpcClient(proxy.grpcAddress);
  t.after(() => {
    client.close();
  });
  const stream = client.stream({ sdkKey: SDK_KEY, version: 2 });
  await stream.received(1);
  for (const time of [GOOD, MICROSECONDS, GOOD + 1]) {
    publish(origin, time);
    if (time !== MICROSECONDS) await stream.received(time - GOOD + 2);
    else await proxy.logs.waitFor(({ msg }) => msg === IGNORED_LINE);
  }
  const versions = stream.messages.map(({ lastUpdated }) => lastUpdated);
  assert.deepEqual(versions, [MICROSECONDS, GOOD, GOOD + 1]);
});

test('two replicas with Redis that hold a version in the future both come back, and so does Redis', async (t) => {
  const origin = await startOrigin(t);
  const redis = await startRedisServer(t);
  publish(origin, MICROSECONDS);
  const options = { origin: origin.url, cache: 'redis', env: { REDIS_URL: redis.url } } as const;
  const first = await start(t, options);
  const second = await start(t, { ...options, env: { ...options.env, HOSTNAME: 'second' } });
  await Promise.all([first, second].map((proxy) => untilVersion(proxy, MICROSECONDS)));
  const stored = async (): Promise<number> => {
    const [name = ''] = await redis.client().keys('statsig|/v2/*');
    return Number(await redis.client().hget(name, 'lcut'));
  };
  await eventually('the version in Redis', async () => (await stored()) === MICROSECONDS);
  publish(origin, GOOD);
  await Promise.all([first, second].map((proxy) => untilVersion(proxy, GOOD)));
  await eventually('the right version in Redis', async () => (await stored()) === GOOD);
});

test('a version in the future that is on the disk is served while the origin is down, and gives way after', async (t) => {
  const origin = await startOrigin(t);
  publish(origin, 2 ** 53 - 1);
  const dataDir = join(makeTemporaryFolder('specs'), 'data');
  const options = { origin: origin.url, cache: 'local', args: ['--data-dir', dataDir] } as const;
  const first = await start(t, options);
  await untilVersion(first, 2 ** 53 - 1);
  await stopWhenSaved(first);
  origin.fault = FAILING.status_503;
  const second = await start(t, options);
  assert.equal(await versionAt(second), 2 ** 53 - 1);
  assert.equal(second.logs.withMessage(HELD_LINE).length, 1);
  origin.fault = undefined;
  publish(origin, GOOD);
  await untilVersion(second, GOOD);
  await second.app.stop();
  origin.fault = FAILING.status_503;
  const third = await start(t, options);
  assert.equal(await versionAt(third), GOOD);
});

test('a replica that is given a version in the future takes what the others hold', async () => {
  const scene = await FleetScene.running(['a', 'b']);
  scene.version = 2 ** 53 - 1;
  await scene.start('c').ask();
  await scene.run(4 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [1, 1, 1]);
  scene.place.flush();
  await scene.run(4 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [1, 1, 1]);
  scene.version = 2;
  await scene.run(8 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [2, 2, 2]);
});

test('a fleet that holds nothing but a version in the future comes back as a whole', async () => {
  const scene = new FleetScene();
  scene.version = MICROSECONDS;
  for (const name of ['a', 'b', 'c']) await scene.start(name).ask();
  await scene.run(3 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [MICROSECONDS, MICROSECONDS, MICROSECONDS]);
  scene.version = 5;
  await scene.run(3 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [5, 5, 5]);
  assert.deepEqual([...scene.place.versions.values()], [5]);
});
