// Manifests of ID lists in a fleet, by a hand-turned clock: one poll a minute for all, beside specs that are polled more often.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetScene, INTERVAL_MS, KEY, type Poll } from './fleet-scene.js';
import { ID_LISTS, idListsKey } from '../../src/protocols/statsig/resource-kinds.js';

const MINUTE_MS = 60_000;
const MANIFEST = idListsKey(KEY.sdkKey);

/** Three replicas that hold specs and manifest, well past their start. */
async function running(): Promise<FleetScene> {
  const scene = await FleetScene.running();
  for (const replica of scene.replicas) await replica.follow(MANIFEST);
  await scene.run(3 * MINUTE_MS);
  return scene;
}

function manifestPolls(scene: FleetScene, sinceMs: number): readonly Poll[] {
  return scene.pollsSince(sinceMs).filter(({ key }) => key.kind === ID_LISTS);
}

/** What each replica holds: the promised sizes. */
function held(scene: FleetScene): readonly (string | undefined)[] {
  return scene.replicas.map(({ rooms }) => rooms.store.peek(MANIFEST)?.payload.originForm.etag);
}

test('a manifest is polled once a minute by one of all, and specs as often as ever', async () => {
  const scene = await running();
  const startMs = scene.clock.monotonicMs();
  await scene.run(10 * MINUTE_MS);
  assert.equal(manifestPolls(scene, startMs).length, 10);
  assert.deepEqual(
    new Set(scene.pollsSince(startMs).map(({ replica }) => replica)),
    new Set([scene.leader.name]),
  );
  assert.equal(scene.pollsSince(startMs).length, 10 + (10 * MINUTE_MS) / INTERVAL_MS);
});

test('polls that bring the same manifest change no version, and keep it young', async () => {
  const scene = await running();
  const before = scene.replicas.map((replica) => replica.version(MANIFEST));
  assert.equal(new Set(before).size, 1);
  await scene.run(5 * MINUTE_MS);
  assert.deepEqual(
    scene.replicas.map((replica) => replica.version(MANIFEST)),
    before,
  );
  for (const { rooms } of scene.replicas) {
    const confirmedAtMs = rooms.store.peek(MANIFEST)?.confirmedAtMs ?? 0;
    assert.ok(scene.clock.monotonicMs() - confirmedAtMs <= 2 * MINUTE_MS);
  }
});

test('a new manifest that one has found is held by all at once', async () => {
  const scene = await running();
  scene.version = 2;
  while (!held(scene).includes('"2"')) await scene.run(100);
  assert.deepEqual(held(scene), ['"2"', '"2"', '"2"']);
});

test('a leader that dies is replaced for manifests within two minutes', async () => {
  const scene = await running();
  scene.leader.kill();
  scene.version = 2;
  await scene.run(2 * MINUTE_MS + 1_000);
  assert.deepEqual(held(scene), ['"2"', '"2"']);
});

test('cut off from each other all poll, and agree again once they are not', async () => {
  const scene = await running();
  for (const { link } of scene.replicas) link.isReachable = false;
  const startMs = scene.clock.monotonicMs();
  scene.version = 2;
  await scene.run(3 * MINUTE_MS);
  assert.deepEqual(held(scene), ['"2"', '"2"', '"2"']);
  assert.equal(new Set(manifestPolls(scene, startMs).map(({ replica }) => replica)).size, 3);
  for (const { link } of scene.replicas) link.isReachable = true;
  await scene.run(2 * MINUTE_MS);
  assert.equal(new Set(scene.replicas.map((replica) => replica.version(MANIFEST))).size, 1);
  const healedMs = scene.clock.monotonicMs();
  await scene.run(3 * MINUTE_MS);
  assert.equal(manifestPolls(scene, healedMs).length, 3);
});

test('a leader whose origin fails is helped out by another', async () => {
  const scene = await running();
  scene.version = 2;
  while (!held(scene).every((etag) => etag === '"2"')) await scene.run(100);
  const { name } = scene.leader;
  const versions = scene.replicas.map((replica) => replica.version(MANIFEST) ?? 0);
  scene.troubles.set(name, (key) =>
    key.kind === ID_LISTS ? { kind: 'failed', reason: 'status_500', detail: '' } : undefined,
  );
  await scene.run(5 * MINUTE_MS);
  const later = scene.replicas.map((replica) => replica.version(MANIFEST) ?? 0);
  assert.deepEqual(later, versions);
  for (const { rooms } of scene.replicas) {
    const confirmedAtMs = rooms.store.peek(MANIFEST)?.confirmedAtMs ?? 0;
    assert.ok(scene.clock.monotonicMs() - confirmedAtMs <= 3 * MINUTE_MS, 'another one asks');
  }
});
