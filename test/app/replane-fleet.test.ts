// Replane's SDKs before several replicas with one Redis: one stream to the server for all, whoever comes, dies or leads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { scrape } from '../fakes/metrics-page.js';
import { stopWhenSaved, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer, type RedisServer } from '../fakes/redis-server.js';
import { openReader, startReplane, startReplica } from '../fakes/replane/relay-scene.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

async function leads({ adminUrl }: TestProxy): Promise<boolean> {
  const { text } = await rawRequest(`${adminUrl}/status`);
  return (JSON.parse(text) as { readonly redis: { readonly isLeader: boolean } }).redis.isLeader;
}

async function streamsOf({ adminUrl }: TestProxy): Promise<number> {
  return (await scrape(adminUrl)).sum('sfp_replane_upstream_streams') ?? -1;
}

function values(frames: readonly unknown[]): readonly unknown[] {
  return (frames as readonly { readonly config?: { readonly value: unknown } }[]).map(
    ({ config }) => config?.value,
  );
}

/** Names of what is held, without what is kept of its versions and for operators. */
async function entriesIn(redis: RedisServer): Promise<readonly string[]> {
  const names = await redis.client().keys('*replication*');
  return names.filter((name) => !name.startsWith('spec-forward-proxy|'));
}

test('replicas get all and each change from the one that has the stream', async (t) => {
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  project.set('a', 0);
  const first = await startReplica(t, origin, redis, 'one');
  const others = [await startReplica(t, origin, redis, 'two'), await startReplica(t, origin, redis, 'three')];
  const readers = [await openReader(t, first, sdkKey)];
  await eventually('first init', () => readers[0]?.frames.length === 1);
  await eventually('entry in Redis', async () => (await entriesIn(redis)).length === 1);
  for (const other of others) readers.push(await openReader(t, other, sdkKey));
  await eventually('every init', () => readers.every(({ frames }) => frames.length === 1));
  for (const value of [1, 2, 3]) {
    project.set('a', value);
    await eventually(`change ${value}`, () => readers.every(({ frames }) => values(frames).at(-1) === value));
  }
  for (const { frames } of readers) assert.deepEqual(values(frames.slice(1)), [1, 2, 3]);
  assert.equal(origin.requests.length, 1);
  assert.equal(origin.openStreams(), 1);
});

test('the leader takes the stream of a project over as soon as it knows it, and nobody hears of a change twice', async (t) => {
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  project.set('a', 0);
  const leader = await startReplica(t, origin, redis, 'one');
  await eventually('leader', () => leads(leader));
  const follower = await startReplica(t, origin, redis, 'two');
  const there = await openReader(t, follower, sdkKey);
  await eventually('init', () => there.frames.length === 1);
  assert.equal(await streamsOf(follower), 1);
  await eventually('entry in Redis', async () => (await entriesIn(redis)).length === 1);
  const here = await openReader(t, leader, sdkKey);
  await eventually('stream of the leader', async () => (await streamsOf(leader)) === 1);
  await eventually('end of the other', async () => (await streamsOf(follower)) === 0);
  for (const value of [1, 2]) {
    project.set('a', value);
    await eventually(`change ${value}`, () =>
      [here, there].every(({ frames }) => values(frames).at(-1) === value),
    );
  }
  for (const { frames } of [here, there]) assert.deepEqual(values(frames.slice(1)), [1, 2]);
  assert.equal(origin.openStreams(), 1);
  // The leader goes.
  await leader.app.stop();
  await eventually('stream of the next leader', async () => (await streamsOf(follower)) === 1);
  project.set('a', 3);
  await eventually('change', () => values(there.frames).at(-1) === 3);
  assert.ok(here.hasEnded && !there.hasEnded);
});

test('without Redis each replica has a stream of its own', async (t) => {
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  project.set('a', 0);
  const clock = new ManualClock();
  const first = await startReplica(t, origin, redis, 'one', { clock });
  const readers = [await openReader(t, first, sdkKey)];
  await eventually('entry in Redis', async () => (await entriesIn(redis)).length === 1);
  readers.push(await openReader(t, await startReplica(t, origin, redis, 'two', { clock }), sdkKey));
  await eventually('every init', () => readers.every(({ frames }) => frames.length === 1));
  assert.equal(origin.requests.length, 1);
  await redis.kill();
  project.set('a', 1);
  await eventually('a change for every client', () => {
    clock.advance(200);
    return readers.every(({ frames }) => values(frames).at(-1) === 1);
  });
  for (const { frames } of readers) assert.deepEqual(values(frames.slice(1)), [1]);
});

test('Redis sees the hash of a key only, under every schema of names, and loses what is refused', async (t) => {
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  project.set('a', 'value of a');
  const resync = ['--replane-resync-interval-in-s', '1'];
  const args = ['--redis-key-schema', 'prefix', '--clear-datastore-on-unauthorized', ...resync];
  const replica = await startReplica(t, origin, redis, 'one', { args });
  const reader = await openReader(t, replica, sdkKey);
  const client = redis.client();
  await eventually('entry in Redis', async () => (await entriesIn(redis)).length === 1);
  const [entry = ''] = await entriesIn(redis);
  const fields = await client.hgetall(entry);
  assert.match(JSON.stringify(fields), /value of a/);
  for (const text of [JSON.stringify(await client.keys('*')), JSON.stringify(fields)])
    assert.ok(!text.includes(sdkKey.slice(0, 12)), text);
  origin.revoke(sdkKey);
  await eventually('end', () => reader.hasEnded);
  // With what was kept of its versions.
  await eventually('removal', async () => (await client.keys('*replication*')).length === 0);
});

test('M9: with the server gone, a replica that starts serves what is in Redis', async (t) => {
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  project.set('a', 0);
  const before = await startReplica(t, origin, redis, 'one');
  const reader = await openReader(t, before, sdkKey);
  await eventually('init', () => reader.frames.length === 1);
  await stopWhenSaved(before);
  await origin.down();
  const later = await openReader(t, await startReplica(t, origin, redis, 'two'), sdkKey);
  await eventually('init', () => later.frames.length === 1);
  assert.match(JSON.stringify(later.frames), /"name":"a","value":0/);
});

test('M9: with Redis and the server gone, a process that starts serves what is in its directory', async (t) => {
  const [redis, origin] = [await startRedisServer(t), await startReplane(t)];
  const { sdkKey, project } = origin.addKey();
  project.set('a', 0);
  const args = ['--data-dir', makeTemporaryFolder('replane-fleet')];
  const before = await startReplica(t, origin, redis, 'one', { args });
  const reader = await openReader(t, before, sdkKey);
  await eventually('init', () => reader.frames.length === 1);
  project.set('a', 1);
  await eventually('change', () => reader.frames.length === 2);
  await stopWhenSaved(before);
  await redis.kill();
  await origin.down();
  const after = await startReplica(t, origin, redis, 'two', { args });
  const later = await openReader(t, after, sdkKey);
  await eventually('init', () => later.frames.length === 1);
  assert.match(JSON.stringify(later.frames), /"name":"a","overrides":\[\],"value":1/);
});
