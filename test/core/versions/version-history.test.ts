// Earlier versions: recorded once per place, within bounds, whatever fails; listed and read back from wherever they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PayloadStore, type Arrival } from '../../../src/core/payload-store.js';
import { bodyKey, listKey } from '../../../src/core/versions/version-record.js';
import { VersionHistory, type HistoryPlace } from '../../../src/core/versions/version-history.js';
import { createConcurrencyLimit } from '../../../src/domain/concurrency-limit.js';
import { MemorySnapshots } from '../../../src/storage/memory/memory-snapshots.js';
import type { Snapshots } from '../../../src/storage/snapshots.js';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import { createTestLog } from '../../fakes/log-sink.js';
import { Gate } from '../../fakes/gate.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { ScriptedPlace } from '../../fakes/scripted-place.js';

const KEY = DEMO.protobuf.keyOf('secret-history-0123456789');
const BOUNDS = { versionsMax: 3, bytesMax: Infinity };

class Replica {
  readonly store: PayloadStore;
  readonly history: VersionHistory;

  constructor(
    clock: ManualClock,
    places: Partial<Record<HistoryPlace['name'], Snapshots>>,
    { bounds = BOUNDS, instanceName = 'one' } = {},
  ) {
    this.store = new PayloadStore(clock, createConcurrencyLimit(1), { sdkKeysMax: 10 });
    const list = Object.entries(places).map(([name, snapshots]) => ({ name, snapshots }) as HistoryPlace);
    const options = { ...bounds, keeps: () => true, instanceName };
    this.history = new VersionHistory(clock, createTestLog(), list, options);
    this.store.subscribe(this.history);
  }

  async holds(version: number, arrival: Arrival = {}, fillerGates = 0): Promise<void> {
    this.store.apply(KEY, DEMO.protobuf.payloadOf(version, fillerGates), arrival);
    await this.history.idle();
  }

  async versions(): Promise<readonly number[]> {
    return ((await this.history.list(KEY)) ?? []).map(({ version }) => version);
  }
}

function memory(clock: ManualClock): MemorySnapshots {
  return new MemorySnapshots(clock, Infinity);
}

test('the last versions are kept with where they came from, and no body of those before', async () => {
  const clock = new ManualClock();
  const disk = memory(clock);
  const replica = new Replica(clock, { disk });
  for (let step = 1; step <= 5; step += 1) {
    clock.advance(1_000);
    await replica.holds(TIME + step);
  }
  assert.deepEqual(await replica.versions(), [TIME + 5, TIME + 4, TIME + 3]);
  const [newest] = (await replica.history.list(KEY)) ?? [];
  const { originForm, identityBytes } = DEMO.protobuf.payloadOf(TIME + 5);
  const hash = originForm.etag.slice(1, -1);
  const facts = { hash, bytes: originForm.bytes.length, identityBytes };
  assert.deepEqual(newest, {
    version: TIME + 5,
    atMs: clock.nowMs(),
    source: 'origin',
    replica: 'one',
    ...facts,
  });
  assert.equal((await replica.history.load(KEY, TIME + 3))?.version, TIME + 3);
  for (const gone of [1, 2]) {
    assert.equal(await replica.history.load(KEY, TIME + gone), undefined);
    assert.deepEqual(await disk.load(bodyKey(KEY, TIME + gone)), { kind: 'missing' });
  }
});

test('versions that take more bytes than there may be leave before their number is reached; the newest stays', async () => {
  const clock = new ManualClock();
  const large = DEMO.protobuf.payloadOf(TIME + 2, 500).originForm.bytes.length;
  const bounds = { versionsMax: 3, bytesMax: large - 1 };
  const replica = new Replica(clock, { memory: memory(clock) }, { bounds });
  await replica.holds(TIME);
  await replica.holds(TIME + 1);
  assert.deepEqual(await replica.versions(), [TIME + 1, TIME]);
  await replica.holds(TIME + 2, {}, 500);
  assert.deepEqual(await replica.versions(), [TIME + 2]);
});

test('a follower leaves the record of who fetched the version, and both read the same list', async () => {
  const clock = new ManualClock();
  const redis = memory(clock);
  const leader = new Replica(clock, { redis }, { instanceName: 'leader' });
  const follower = new Replica(clock, { redis, disk: memory(clock) }, { instanceName: 'follower' });
  await leader.holds(TIME);
  clock.advance(50);
  await follower.holds(TIME, { source: 'redis', from: 'leader:1' });
  // The follower hears of it before the leader has recorded it.
  await follower.holds(TIME + 1, { source: 'redis', from: 'leader:1' });
  clock.advance(50);
  await leader.holds(TIME + 1);
  assert.deepEqual(await leader.versions(), [TIME + 1, TIME]);
  assert.deepEqual(await follower.versions(), [TIME + 1, TIME]);
  const ofLeader = (await leader.history.list(KEY)) ?? [];
  assert.deepEqual(
    ofLeader.map(({ source, replica }) => `${source} ${replica}`),
    ['origin leader', 'origin leader'],
  );
  const [, first] = (await follower.history.list(KEY)) ?? [];
  assert.equal(first?.source, 'origin', 'who had it first knows best');
});

test('two writers of one list lose nothing of each other', async () => {
  const clock = new ManualClock();
  const redis = memory(clock);
  const replicas = ['one', 'two'].map((instanceName) => new Replica(clock, { redis }, { instanceName }));
  await Promise.all(replicas.map((replica, index) => replica.holds(TIME + index)));
  for (const replica of replicas) assert.deepEqual(await replica.versions(), [TIME + 1, TIME]);
});

test('what a failing place misses is missing there only, and a body that is damaged is looked for elsewhere', async () => {
  const clock = new ManualClock();
  const redis = new ScriptedPlace();
  const disk = memory(clock);
  redis.loading = { kind: 'failed', reason: 'connection_lost' };
  const replica = new Replica(clock, { redis, disk });
  await replica.holds(TIME);
  assert.deepEqual(redis.asked, ['load'], 'nothing is written where the list cannot be read');
  redis.loading = { kind: 'unusable', fault: 'torn' };
  assert.deepEqual(await replica.versions(), [TIME]);
  assert.equal((await replica.history.load(KEY, TIME))?.version, TIME);
  const alone = new Replica(clock, { redis });
  redis.loading = { kind: 'failed', reason: 'connection_lost' };
  assert.equal(await alone.history.list(KEY), undefined, 'no list is not an empty list');
});

test('a list that is none of ours counts as empty, and versions are recorded over it', async () => {
  const clock = new ManualClock();
  const disk = memory(clock);
  const bytes = Buffer.from('[1,{"version":"x"},null]');
  const originForm = { encoding: 'identity', bytes, etag: '"x"' } as const;
  await disk.save(listKey(KEY), { format: 'json', version: 5, originForm, identityBytes: bytes.length });
  const replica = new Replica(clock, { disk });
  assert.deepEqual(await replica.versions(), []);
  await replica.holds(TIME);
  assert.deepEqual(await replica.versions(), [TIME]);
  assertHolds(await disk.load(bodyKey(KEY, TIME)), DEMO.protobuf.payloadOf(TIME));
});

test('versions that come at one time are recorded one after the other', async () => {
  const clock = new ManualClock();
  const replica = new Replica(clock, { memory: memory(clock) });
  for (let step = 0; step < 3; step += 1) replica.store.apply(KEY, DEMO.protobuf.payloadOf(TIME + step));
  assert.equal(replica.history.pending, 1);
  await replica.history.idle();
  assert.deepEqual(await replica.versions(), [TIME + 2, TIME + 1, TIME]);
  assert.equal(replica.history.pending, 0);
});

test('nothing is kept of a payload that was removed as the origin refuses it, and what comes later is', async () => {
  const clock = new ManualClock();
  const places = { disk: memory(clock), redis: memory(clock) };
  const replica = new Replica(clock, places);
  for (let step = 1; step <= 2; step += 1) {
    clock.advance(1_000);
    await replica.holds(TIME + step);
  }
  const refused = { kind: 'unauthorized', status: 401 } as const;
  replica.history.fetched(KEY, refused, 'none');
  await replica.history.idle();
  assert.deepEqual(await replica.versions(), [TIME + 2, TIME + 1]);
  // One more is on its way to the places meanwhile.
  replica.store.apply(KEY, DEMO.protobuf.payloadOf(TIME + 3));
  replica.store.remove(KEY);
  replica.history.fetched(KEY, refused, 'removed');
  await replica.history.idle();
  assert.deepEqual(await replica.versions(), []);
  for (const { bytes } of Object.values(places)) assert.equal(bytes, 0);
  await replica.holds(TIME + 4);
  assert.deepEqual(await replica.versions(), [TIME + 4]);
});

test('versions that come while one is being written are all recorded, as many of the newest as are kept', async () => {
  const clock = new ManualClock();
  const disk = memory(clock);
  const gate = new Gate();
  const slow: Snapshots = {
    load: (key) => disk.load(key),
    confirm: (key, version) => disk.confirm(key, version),
    remove: (key) => disk.remove(key),
    close: () => disk.close(),
    save: async (key, payload) => {
      await gate.opened;
      return await disk.save(key, payload);
    },
  };
  const replica = new Replica(clock, { disk: slow });
  const open = gate.hold();
  const come = async (...versions: readonly number[]): Promise<void> => {
    for (const version of versions) {
      replica.store.apply(KEY, DEMO.protobuf.payloadOf(version));
      await settle();
    }
  };
  await come(TIME, TIME + 1, TIME + 2);
  open();
  await replica.history.idle();
  assert.deepEqual(await replica.versions(), [TIME + 2, TIME + 1, TIME]);
  const again = gate.hold();
  await come(...Array.from({ length: 8 }, (_, index) => TIME + 3 + index));
  again();
  await replica.history.idle();
  assert.deepEqual(await replica.versions(), [TIME + 10, TIME + 9, TIME + 8]);
});
