// What is held gets into every place behind everybody's back, one write per payload at a time; a start finds it there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backups, type BackupListener, type BackupState, type Restored } from '../../src/core/backups.js';
import { PayloadStore } from '../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import type { RefreshEffect } from '../../src/core/refresher.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { ScriptedPlace } from '../fakes/scripted-place.js';
import { SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';
import { createTestLog } from '../fakes/log-sink.js';

const KEY: PayloadKey = { sdkKey: 'secret-backups-0123456789', kind: SPEC_V1, format: 'json' };

function payload(version: number): Payload {
  const bytes = Buffer.from(String(version));
  const originForm = { encoding: 'identity', bytes, etag: `"${version}"` } as const;
  return { format: 'json', version, originForm, identityBytes: bytes.length };
}

class Scene {
  readonly clock = new ManualClock();
  readonly redis = new ScriptedPlace();
  readonly disk = new ScriptedPlace();
  readonly told: string[] = [];
  readonly restored: Restored[] = [];
  readonly store: PayloadStore;
  readonly backups: Backups;

  constructor(sdkKeysMax = 100) {
    this.store = new PayloadStore(this.clock, createConcurrencyLimit(1), { sdkKeysMax });
    const listener: BackupListener = {
      restored: (restored) => this.restored.push(restored),
      unusable: (_key, place, fault) => this.told.push(`${place} ${fault}`),
      confirmedByOthers: (_key, place, agoMs) => this.told.push(`${place} confirmed ${agoMs} ms before`),
      newer: (_key, place, version) => this.told.push(`${place} has ${version}`),
    };
    const places = [
      { name: 'redis', snapshots: this.redis },
      { name: 'disk', snapshots: this.disk },
    ] as const;
    this.backups = new Backups(this.clock, createTestLog(), this.store, places);
    this.backups.subscribe(listener);
  }

  fetched(effect: RefreshEffect, version = 1, key = KEY): void {
    if (effect === 'stored') this.store.apply(key, payload(version));
    this.backups.fetched(key, { kind: 'unchanged' }, effect);
  }
}

test('a new version is saved everywhere, a confirmation confirmed, a removal removed, a failure nothing', async () => {
  const scene = new Scene();
  scene.fetched('stored', 5);
  await scene.backups.idle();
  scene.fetched('confirmed');
  await scene.backups.idle();
  scene.fetched('none');
  scene.fetched('dropped');
  scene.fetched('removed');
  await scene.backups.idle();
  assert.deepEqual(scene.redis.asked, ['save 5', 'confirm 5', 'remove']);
  assert.deepEqual(scene.disk.asked, ['save 5', 'confirm 5', 'remove']);
});

test('what a place has missed is written at the next confirmation', async () => {
  const scene = new Scene();
  scene.redis.saving = { kind: 'failed', reason: 'connection_lost' };
  scene.fetched('stored', 5);
  await scene.backups.idle();
  assert.equal(scene.backups.lastOf(KEY).redis, 'failed: connection_lost');
  const failedAtMs = scene.clock.nowMs();
  const stateOf = (place: string): BackupState | undefined =>
    scene.backups.statesOf(KEY).find((each) => each.place === place)?.state;
  assert.deepEqual(stateOf('redis'), {
    last: 'failed: connection_lost',
    lastAtMs: failedAtMs,
    storedAtMs: undefined,
    failures: 1,
  });
  scene.clock.advance(1_000);
  scene.redis.saving = { kind: 'stored' };
  scene.redis.confirming = { kind: 'behind' };
  scene.fetched('confirmed');
  await scene.backups.idle();
  assert.deepEqual(scene.redis.asked, ['save 5', 'confirm 5', 'save 5']);
  assert.deepEqual(scene.backups.lastOf(KEY), { redis: 'stored', disk: 'stored' });
  const storedAtMs = failedAtMs + 1_000;
  assert.deepEqual(stateOf('redis'), { last: 'stored', lastAtMs: storedAtMs, storedAtMs, failures: 0 });
});

test('a place that answers nothing has one operation of a payload on its way, and the newest wish after it', async () => {
  const scene = new Scene();
  const release = scene.redis.hold();
  for (let version = 1; version <= 50; version += 1) {
    scene.fetched('stored', version);
    scene.fetched('confirmed');
  }
  await settle();
  assert.deepEqual(scene.redis.asked, ['save 50']);
  assert.deepEqual(scene.backups.pending, { redis: 1, disk: 0 });
  scene.fetched('stored', 51);
  scene.fetched('confirmed');
  release();
  await scene.backups.idle();
  assert.deepEqual(scene.redis.asked, ['save 50', 'save 51']);
});

test('what is written at one time is bounded, and a slow place is not waited for by another', async () => {
  const scene = new Scene(1_000);
  const release = scene.redis.hold();
  for (let index = 0; index < 300; index += 1)
    scene.fetched('stored', 1, { ...KEY, sdkKey: `secret-${index}` });
  while (scene.disk.asked.length < 300) await settle();
  assert.ok(scene.redis.inFlightMax <= 8 && scene.redis.inFlight > 0, String(scene.redis.inFlightMax));
  assert.deepEqual(scene.backups.pending, { redis: 300, disk: 0 });
  release();
  await scene.backups.idle();
  assert.equal(scene.redis.asked.length, 300);
});

test('a payload that left before its turn is not written', async () => {
  const scene = new Scene(1);
  scene.fetched('stored', 1);
  scene.store.apply({ ...KEY, sdkKey: 'secret-another' }, payload(1));
  await scene.backups.idle();
  assert.deepEqual(scene.redis.asked, []);
});

test('what a place knows better is told: a newer version, another who confirmed', async () => {
  const scene = new Scene();
  scene.redis.saving = { kind: 'newer', version: 9 };
  scene.redis.confirming = { kind: 'stored', othersAgoMs: 120 };
  scene.fetched('stored', 5);
  await scene.backups.idle();
  scene.fetched('confirmed');
  await scene.backups.idle();
  assert.deepEqual(scene.told, ['redis has 9', 'redis confirmed 120 ms before']);
});

test('an entry of no use is told once, and again after it was of use', async () => {
  const scene = new Scene();
  const useless = { kind: 'unusable', fault: 'wrong_type' } as const;
  scene.redis.saving = useless;
  for (let round = 0; round < 3; round += 1) {
    scene.fetched('stored', round + 1);
    await scene.backups.idle();
  }
  assert.deepEqual(scene.told, ['redis wrong_type']);
  scene.redis.saving = { kind: 'stored' };
  scene.fetched('stored', 8);
  await scene.backups.idle();
  scene.redis.saving = useless;
  scene.fetched('stored', 9);
  await scene.backups.idle();
  assert.deepEqual(scene.told, ['redis wrong_type', 'redis wrong_type']);
});

test('a payload is restored from the first place that has it, with its age', async () => {
  const scene = new Scene();
  scene.redis.loading = { kind: 'failed', reason: 'connection_refused' };
  scene.disk.loading = { kind: 'found', snapshot: { payload: payload(7), confirmedAgoMs: 3_000 } };
  const restored = await scene.backups.restore(KEY);
  assert.deepEqual([restored?.place, restored?.confirmedAgoMs], ['disk', 3_000]);
  assert.equal(scene.store.peek(KEY)?.confirmedAtMs, scene.clock.monotonicMs() - 3_000);
  assert.equal(scene.restored.length, 1);
});

test('where nobody wrote when a payload was confirmed, its age is that of its version', async () => {
  const scene = new Scene();
  const version = scene.clock.nowMs() - 5_000;
  scene.redis.loading = { kind: 'found', snapshot: { payload: payload(version), confirmedAgoMs: Infinity } };
  assert.equal((await scene.backups.restore(KEY))?.confirmedAgoMs, 5_000);
  assert.equal(scene.store.peek(KEY)?.confirmedAtMs, scene.clock.monotonicMs() - 5_000);
});

test('an older version is not restored over what is held, and counts as held', async () => {
  const scene = new Scene();
  scene.store.apply(KEY, payload(9));
  scene.redis.loading = { kind: 'found', snapshot: { payload: payload(7), confirmedAgoMs: 0 } };
  assert.equal((await scene.backups.restore(KEY))?.held.payload.version, 9);
  assert.equal(scene.restored.length, 0);
});

test('nothing is restored where no place has it, or there is no room', async () => {
  const scene = new Scene(1);
  assert.equal(await scene.backups.restore(KEY), undefined);
  scene.store.apply({ ...KEY, sdkKey: 'secret-pinned' }, payload(1));
  scene.store.pin(new Set(['secret-pinned']));
  scene.redis.loading = { kind: 'found', snapshot: { payload: payload(7), confirmedAgoMs: 0 } };
  assert.equal(await scene.backups.restore(KEY), undefined);
});

test('whether a place could be asked is told apart from whether it had anything', async () => {
  const scene = new Scene();
  assert.equal(await scene.backups.catchUpFrom('redis', KEY, () => true), true);
  scene.redis.loading = { kind: 'failed', reason: 'command_timeout' };
  assert.equal(await scene.backups.catchUpFrom('redis', KEY, () => true), false);
});

test('of payloads that nobody holds nothing is remembered', async () => {
  const scene = new Scene();
  scene.redis.loading = { kind: 'unusable', fault: 'foreign_key' };
  for (let index = 0; index < 100; index += 1)
    await scene.backups.restore({ ...KEY, sdkKey: `secret-${index}` });
  assert.deepEqual(scene.backups.lastOf({ ...KEY, sdkKey: 'secret-1' }), {
    redis: undefined,
    disk: undefined,
  });
  scene.fetched('stored', 1);
  await scene.backups.idle();
  scene.backups.forget(KEY);
  assert.equal(scene.backups.lastOf(KEY).disk, undefined);
});

test('closing closes every place', async () => {
  const scene = new Scene();
  await scene.backups.close();
  assert.deepEqual([scene.redis.isClosed, scene.disk.isClosed], [true, true]);
});
