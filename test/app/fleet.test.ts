// A fleet by a hand-turned clock: one poll per interval for all, whoever dies, pauses, or cannot reach what they share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetScene, INTERVAL_MS, KEY, LEASE_TTL_MS } from './fleet-scene.js';

test('the leader polls once an interval, followers never', async () => {
  const scene = await FleetScene.running();
  const startMs = scene.clock.monotonicMs();
  await scene.run(20 * INTERVAL_MS);
  const polls = scene.pollsSince(startMs);
  assert.equal(polls.length, 20);
  assert.deepEqual([...new Set(polls.map(({ replica }) => replica))], [scene.leader.name]);
  assert.equal(scene.leaders.length, 1);
});

test('an update that one has found is held by all at once', async () => {
  const scene = await FleetScene.running();
  scene.version = 2;
  while (scene.leader.version() !== 2) await scene.run(100);
  assert.deepEqual(scene.versions, [2, 2, 2]);
});

test('without a single message, followers have the update one interval after the leader', async () => {
  const scene = await FleetScene.running();
  scene.place.delivers = () => false;
  scene.version = 2;
  await scene.run(2 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [2, 2, 2]);
  assert.ok(
    scene
      .pollsSince(0)
      .slice(-3)
      .every(({ replica }) => replica === scene.leader.name),
  );
});

test('the age of what a follower holds is what the fleet has confirmed', async () => {
  const scene = await FleetScene.running();
  await scene.run(10 * INTERVAL_MS);
  for (const { rooms } of scene.replicas) {
    const held = rooms.store.peek(KEY);
    assert.ok(held !== undefined && scene.clock.monotonicMs() - held.confirmedAtMs <= 2 * INTERVAL_MS);
    assert.equal(rooms.outcomes.lastOf(KEY)?.kind === 'failed', false);
  }
});

test('a leader that dies is replaced for each payload within two intervals, long before its lease ends', async () => {
  const scene = await FleetScene.running();
  scene.leader.kill();
  scene.version = 2;
  await scene.run(2 * INTERVAL_MS + 1_000);
  assert.deepEqual(scene.versions, [2, 2]);
  // From then on once an interval, by one of them, though the dead leader's lease still stands.
  const startMs = scene.clock.monotonicMs();
  await scene.run(3 * INTERVAL_MS);
  assert.ok(scene.clock.monotonicMs() < (scene.place.lease?.untilMs ?? 0));
  assert.equal(scene.pollsSince(startMs).length, 3);
  await scene.run(LEASE_TTL_MS);
  assert.equal(scene.leaders.length, 1);
});

test('a leader that stops hands over: the next poll is on time', async () => {
  const scene = await FleetScene.running();
  await scene.run(3_300);
  const { name } = scene.leader;
  const last = scene.polls.at(-1)?.atMs ?? 0;
  await scene.leader.stop();
  await scene.run(2 * INTERVAL_MS);
  const [next, afterNext] = scene.pollsSince(last + 1);
  assert.notEqual(next?.replica, name);
  assert.ok(Math.abs((next?.atMs ?? 0) - last - INTERVAL_MS) <= 500, `${String(next?.atMs)} after ${last}`);
  assert.ok(Math.abs((afterNext?.atMs ?? 0) - (next?.atMs ?? 0) - INTERVAL_MS) <= 500);
  assert.equal(scene.leaders.length, 1);
});

test('without what they share every replica polls for itself, and within two intervals', async () => {
  const scene = await FleetScene.running();
  for (const { link } of scene.replicas) link.isReachable = false;
  scene.version = 2;
  const startMs = scene.clock.monotonicMs();
  await scene.run(2 * INTERVAL_MS + 500);
  assert.deepEqual(scene.versions, [2, 2, 2]);
  const names = new Set(scene.pollsSince(startMs).map(({ replica }) => replica));
  assert.deepEqual([...names].sort(), ['a', 'b', 'c']);
});

test('a place that comes back empty is filled within two intervals, and one leads', async () => {
  const scene = await FleetScene.running();
  for (const { link } of scene.replicas) link.isReachable = false;
  await scene.run(10 * INTERVAL_MS);
  scene.place.flush();
  for (const { link } of scene.replicas) link.isReachable = true;
  await scene.run(2 * INTERVAL_MS);
  assert.equal(scene.place.versions.size, 1);
  assert.equal(scene.leaders.length, 1);
  const startMs = scene.clock.monotonicMs();
  await scene.run(10 * INTERVAL_MS);
  assert.equal(scene.pollsSince(startMs).length, 10);
});

test('a replica that finds what is shared behind it writes what it holds', async () => {
  const scene = await FleetScene.running();
  const [follower] = scene.followers;
  if (follower === undefined) throw new Error('no follower');
  // An edge of the origin that only this replica reaches has the update first.
  follower.link.isReachable = false;
  scene.version = 2;
  while (follower.version() !== 2) await scene.run(100);
  scene.version = 1;
  follower.link.isReachable = true;
  await scene.run(2 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [2, 2, 2]);
});

test('a payload that only a follower was asked for is polled by it, once an interval', async () => {
  const scene = await FleetScene.running();
  const key = { ...KEY, sdkKey: 'secret-the-leader-never-heard-of' };
  const [first, second] = scene.followers;
  await first?.ask(key);
  await second?.ask(key);
  await scene.run(3 * INTERVAL_MS);
  const startMs = scene.clock.monotonicMs();
  await scene.run(10 * INTERVAL_MS);
  const polls = scene.pollsSince(startMs).filter((poll) => poll.key.sdkKey === key.sdkKey);
  assert.equal(polls.length, 10);
  assert.ok(polls.every(({ replica }) => replica === first?.name));
});

test('a replica that starts while the origin is down serves what the fleet has, and asks nobody for it', async () => {
  const scene = await FleetScene.running();
  scene.version = undefined;
  const late = scene.start('late');
  const before = scene.polls.length;
  await late.ask();
  assert.equal(late.version(), 1);
  assert.equal(scene.polls.length, before);
});
