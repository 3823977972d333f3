// What polls cost: once an interval only what somebody asks for, streams, or an operator named; anything else now and then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { ID_LISTS, SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';
import { FleetScene, INTERVAL_MS, KEY, type Replica } from './fleet-scene.js';

const IDLE_MS = 600_000;
const { sdkKey } = KEY;
const V1: PayloadKey = { sdkKey, kind: SPEC_V1, format: 'json' };
const V2: PayloadKey = { sdkKey, kind: SPEC_V2, format: 'json' };
const PROTOBUF: PayloadKey = { sdkKey, kind: SPEC_V2, format: 'protobuf' };
const MANIFEST: PayloadKey = { sdkKey, kind: ID_LISTS, format: 'json' };
const ALL = [V1, V2, PROTOBUF, MANIFEST];

/** In the order of ALL. */
function pollsOf(scene: FleetScene, sinceMs: number): readonly number[] {
  const polls = scene.pollsSince(sinceMs);
  return ALL.map((key) => polls.filter((poll) => nameOf(poll.key) === nameOf(key)).length);
}

function nameOf({ kind, format }: PayloadKey): string {
  return `${kind.name}/${format}`;
}

async function startPinned(args: readonly string[] = []): Promise<{ scene: FleetScene; replica: Replica }> {
  const scene = new FleetScene(args);
  const replica = scene.start('a');
  const pinned = replica.rooms.pinned.pin(new Set([sdkKey]));
  await scene.run(200);
  await pinned;
  return { scene, replica };
}

/** Lets a client ask once an interval. */
async function askWhile(
  scene: FleetScene,
  replica: Replica,
  key: PayloadKey,
  intervals: number,
): Promise<void> {
  for (let interval = 0; interval < intervals; interval += 1) {
    await replica.ask(key);
    await scene.run(INTERVAL_MS);
  }
}

test('a pinned key is fetched once in every format; only what is asked for is polled once an interval', async () => {
  const { scene, replica } = await startPinned();
  assert.deepEqual(pollsOf(scene, 0), [1, 1, 1, 0]);
  const startMs = scene.clock.monotonicMs();
  await askWhile(scene, replica, PROTOBUF, 30);
  const protobuf = pollsOf(scene, startMs)[2] ?? 0;
  assert.ok(protobuf >= 29 && protobuf <= 31, `${protobuf} polls`);
  await askWhile(scene, replica, PROTOBUF, 90);
  assert.deepEqual(pollsOf(scene, startMs).slice(0, 2), [2, 2], 'the others every ten minutes');
  const intervals = [V1, PROTOBUF].map((key) => replica.rooms.intervalMs(key));
  assert.deepEqual(intervals, [IDLE_MS, INTERVAL_MS], 'as /metrics tells');
});

test('what an operator names is polled once an interval, though nobody asks', async () => {
  const { scene } = await startPinned(['--pinned-payloads', 'v2,id-lists']);
  assert.deepEqual(pollsOf(scene, 0), [1, 1, 1, 1]);
  const startMs = scene.clock.monotonicMs();
  await scene.run(30 * INTERVAL_MS);
  const [v1 = 0, v2 = 0, protobuf = 0, manifest = 0] = pollsOf(scene, startMs);
  assert.ok(v2 >= 29 && v2 <= 31 && manifest >= 4 && manifest <= 6, `${v2} and ${manifest} polls`);
  assert.ok(v1 <= 1 && protobuf <= 1, `${v1} and ${protobuf} polls`);
});

test('what a list made for SFP names is polled once an interval, for the keys that it names', async () => {
  const entries = [
    { sdk_key: sdkKey, path: '/v2/download_config_specs', encodings: ['statsig-br', 'gzip'] },
    { sdk_key: 'secret-another-key', path: '/v1/download_config_specs' },
  ];
  const { scene } = await startPinned(['--startup-warmup-keys-json', JSON.stringify(entries)]);
  assert.deepEqual(pollsOf(scene, 0), [1, 1, 1, 0]);
  const startMs = scene.clock.monotonicMs();
  await scene.run(30 * INTERVAL_MS);
  const [v1 = 0, v2 = 0, protobuf = 0] = pollsOf(scene, startMs);
  assert.ok(v2 >= 29 && v2 <= 31 && protobuf >= 29 && protobuf <= 31, `${v2} and ${protobuf} polls`);
  assert.ok(v1 <= 1, `${v1} polls`);
});

test('a pinned key of a network that comes late is there ten seconds after it, in every format', async () => {
  const scene = new FleetScene();
  scene.version = undefined;
  const replica = scene.start('a');
  const pinned = replica.rooms.pinned.pin(new Set([sdkKey]));
  await scene.run(IDLE_MS);
  await pinned;
  scene.version = 3;
  // The first try may be as far off as the longest back-off; it wakes the rest.
  await scene.run(60_000 + INTERVAL_MS);
  assert.deepEqual(
    [V1, V2, PROTOBUF].map((key) => replica.version(key)),
    [3, 3, 3],
  );
});

test('what nobody asks for any more is polled every ten minutes, and at once when it is asked for again', async () => {
  const scene = new FleetScene();
  const replica = scene.start('a');
  await askWhile(scene, replica, KEY, 10);
  await scene.run(IDLE_MS + INTERVAL_MS);
  const idleMs = scene.clock.monotonicMs();
  await scene.run(IDLE_MS / 2);
  assert.ok(scene.pollsSince(idleMs).length <= 1);
  scene.version = 2;
  const againMs = scene.clock.monotonicMs();
  await replica.ask();
  assert.equal(replica.version(), 1, 'what is held is served meanwhile');
  await scene.run(100);
  assert.equal(replica.version(), 2);
  await scene.run(10 * INTERVAL_MS);
  const polls = scene.pollsSince(againMs).length;
  assert.ok(polls === 11 || polls === 12, `${polls} polls`);
});

test('what is asked for again while the origin is away is polled once an interval, and not after ten minutes', async () => {
  const scene = new FleetScene();
  const replica = scene.start('a');
  await replica.ask();
  await scene.run(IDLE_MS + INTERVAL_MS);
  scene.version = undefined;
  await scene.run(IDLE_MS);
  await replica.ask();
  await scene.run(INTERVAL_MS);
  scene.version = 2;
  await scene.run(2 * INTERVAL_MS);
  assert.equal(replica.version(), 2);
});

test('what is streamed is not idle, however long ago the stream was opened', async () => {
  const scene = new FleetScene();
  const replica = scene.start('a');
  await replica.ask();
  const unsubscribe = replica.rooms.feed.subscribe(KEY, {
    updated: () => undefined,
    removed: () => undefined,
  });
  await scene.run(3 * IDLE_MS);
  const startMs = scene.clock.monotonicMs();
  await scene.run(10 * INTERVAL_MS);
  assert.equal(scene.pollsSince(startMs).length, 10);
  unsubscribe();
  await scene.run(IDLE_MS);
  assert.ok(scene.pollsSince(startMs + 11 * INTERVAL_MS).length <= 1);
});

test('in a fleet whoever is asked polls for all, also where the leader is not', async () => {
  const scene = new FleetScene();
  for (const name of ['a', 'b', 'c']) {
    await scene.start(name).ask();
    await scene.run(700);
  }
  const [follower] = scene.followers;
  assert.ok(follower !== undefined);
  await askWhile(scene, follower, KEY, 130);
  const startMs = scene.clock.monotonicMs();
  scene.version = 2;
  await askWhile(scene, follower, KEY, 12);
  assert.deepEqual(scene.versions, [2, 2, 2]);
  const polls = scene.pollsSince(startMs);
  assert.ok(polls.length >= 11 && polls.length <= 14, `${polls.length} polls`);
});
