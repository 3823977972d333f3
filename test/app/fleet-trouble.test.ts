// A fleet whose origin fails for some, refuses, or was away while Redis was: what is told, kept, and asked for again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadId, type PayloadKey } from '../../src/domain/payload-key.js';
import { failed } from '../../src/domain/failure.js';
import { FleetScene, INTERVAL_MS, KEY, type Replica } from './fleet-scene.js';

const NAMES = ['a', 'b', 'c'];
const CLEARING = ['--clear-datastore-on-unauthorized'];

function key(name: string): PayloadKey {
  return { ...KEY, sdkKey: `secret-${name}` };
}

function follower(scene: FleetScene): Replica {
  const [first] = scene.followers;
  return first ?? assert.fail('no follower');
}

function refuseAll(scene: FleetScene): void {
  for (const { name } of scene.replicas)
    scene.troubles.set(name, () => ({ kind: 'unauthorized', status: 401 }));
}

function linesOf(scene: FleetScene, { name }: Replica, pattern: RegExp): number {
  return scene.logs.get(name)?.lines.filter((line) => pattern.test(String(line['msg']))).length ?? 0;
}

test('a leader keeps to Retry-After, also where another replica has confirmed since', async () => {
  const scene = await FleetScene.running();
  const { leader } = scene;
  scene.troubles.set(leader.name, () => failed('status_503', 'HTTP status 503', 300_000));
  await scene.run(3 * INTERVAL_MS);
  const startMs = scene.clock.monotonicMs();
  await scene.run(20 * INTERVAL_MS);
  const polls = scene.pollsSince(startMs).filter(({ replica }) => replica === leader.name);
  assert.ok(polls.length <= 1, `${polls.length} polls in 200 s`);
});

test('where only the leader cannot reach the origin, it is told once and the others have updates', async () => {
  const scene = await FleetScene.running();
  const { leader } = scene;
  scene.troubles.set(leader.name, () => failed('connection_refused', 'ECONNREFUSED'));
  await scene.run(60 * INTERVAL_MS);
  assert.equal(linesOf(scene, leader, /origin (?:failing|answering again)/), 1);
  scene.version = 2;
  await scene.run(2 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [2, 2, 2]);
});

test('a version that is stored late has the age of its confirmation, and nobody says that the origin is back', async () => {
  const scene = await FleetScene.running();
  const cut = follower(scene);
  cut.link.isReachable = false;
  scene.version = 2;
  while (cut.version() !== 2) await scene.run(100);
  const confirmedMs = scene.clock.monotonicMs();
  scene.version = undefined;
  await scene.run(60 * INTERVAL_MS);
  cut.link.isReachable = true;
  await scene.run(INTERVAL_MS);
  for (const replica of scene.replicas) {
    const held = replica.rooms.store.peek(KEY) ?? assert.fail('nothing held');
    assert.equal(held.payload.version, 2);
    assert.ok(
      Math.abs(held.confirmedAtMs - confirmedMs) <= 1_000,
      `${replica.name} says it is younger than it is`,
    );
    assert.equal(linesOf(scene, replica, /origin answering again/), 0);
  }
});

test('Redis that is emptied while the origin is down is filled from memory', async () => {
  const scene = await FleetScene.running();
  scene.version = undefined;
  await scene.run(INTERVAL_MS);
  scene.place.flush();
  await scene.run(2 * INTERVAL_MS);
  assert.equal(scene.place.versions.get(payloadId(KEY)), 1);
  const late = scene.start('late');
  await late.ask();
  assert.equal(late.version(), 1);
});

test('what is refused while Redis is away is removed there when it is back', async () => {
  const scene = await FleetScene.running(NAMES, CLEARING);
  for (const { link } of scene.replicas) link.isReachable = false;
  refuseAll(scene);
  await scene.run(3 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [undefined, undefined, undefined]);
  for (const { link } of scene.replicas) link.isReachable = true;
  await scene.run(2 * INTERVAL_MS);
  assert.equal(scene.place.versions.size, 0);
});

test('what is refused does not come back from a Redis that takes no writes, pinned or not', async () => {
  const scene = await FleetScene.running(NAMES, CLEARING);
  for (const { rooms } of scene.replicas) void rooms.pinned.pin(new Set([KEY.sdkKey]));
  await scene.run(3 * INTERVAL_MS);
  refuseAll(scene);
  for (const { link } of scene.replicas) link.half = 'reads';
  await scene.run(3 * INTERVAL_MS);
  for (let step = 0; step < 30; step += 1) {
    await scene.run(INTERVAL_MS / 2);
    assert.deepEqual(scene.versions, [undefined, undefined, undefined]);
  }
});

test('a refused key that is good again is served again', async () => {
  const scene = await FleetScene.running(NAMES, CLEARING);
  for (const { rooms } of scene.replicas) void rooms.pinned.pin(new Set([KEY.sdkKey]));
  refuseAll(scene);
  await scene.run(4 * INTERVAL_MS);
  scene.troubles.clear();
  await scene.run(10 * INTERVAL_MS);
  assert.deepEqual(scene.versions, [1, 1, 1]);
});

test('a key that left to make room does not come back by a look or a poll', async () => {
  const scene = await FleetScene.running(NAMES, ['-m', '2']);
  const replica = follower(scene);
  const wanted = ['one', 'two', 'three', 'four'].map(key);
  for (const each of wanted) await scene.leader.ask(each);
  const { link } = replica;
  const states = link.states.bind(link);
  await replica.ask(key('one'));
  await replica.ask(key('two'));
  link.states = async (keys) => {
    const found = await states(keys);
    link.states = states;
    await replica.ask(key('three'));
    await replica.ask(key('four'));
    return found;
  };
  await scene.run(3 * INTERVAL_MS);
  assert.deepEqual([...replica.rooms.store.all()].map((held) => held.key.sdkKey).sort(), [
    'secret-four',
    'secret-three',
  ]);
});

test('a replica whose own question failed finds what another has stored since', async () => {
  const scene = await FleetScene.running();
  const [unlucky, lucky] = scene.followers;
  assert.ok(unlucky !== undefined && lucky !== undefined);
  scene.troubles.set(unlucky.name, () => failed('status_503', 'HTTP status 503', 600_000));
  await unlucky.ask(key('new'));
  assert.equal(unlucky.version(key('new')), undefined);
  await lucky.ask(key('new'));
  await scene.run(2_000);
  await unlucky.ask(key('new'));
  assert.equal(unlucky.version(key('new')), 1);
});
