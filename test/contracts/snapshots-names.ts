// Payloads in one place for snapshots have names of their own, whatever their SDK keys are made of.
import assert from 'node:assert/strict';
import type { Snapshots } from '../../src/storage/snapshots.js';
import { DEMO, DEMO_PAYLOADS } from '../fakes/demo-payloads.js';
import { assertHolds, KEY, TIME } from './snapshots-place.js';

export async function apartFromEachOther(snapshots: Snapshots): Promise<void> {
  const { v1Json, v2Json, protobuf } = DEMO;
  const entries = [`${KEY}-a`, `${KEY}-b`]
    .flatMap((sdkKey) => [v1Json, v2Json, protobuf].map((demo) => ({ demo, key: demo.keyOf(sdkKey) })))
    .map(({ demo, key }, index) => ({ key, payload: demo.payloadOf(TIME + index) }));
  for (const { key, payload } of entries) await snapshots.save(key, payload, 0);
  for (const { key, payload } of entries) assertHolds(await snapshots.load(key), payload);
  for (const [index, { key }] of entries.entries()) {
    assert.deepEqual(await snapshots.remove(key), { kind: 'removed' });
    for (const [place, left] of entries.entries()) {
      const loaded = await snapshots.load(left.key);
      if (place <= index) assert.deepEqual(loaded, { kind: 'missing' });
      else assertHolds(loaded, left.payload);
    }
  }
}

export async function hostileKeys(snapshots: Snapshots): Promise<void> {
  const long = 'k'.repeat(255);
  const sdkKeys = ['~', '-', '_', '..a', '.a', 'a.', 'a', 'A', '...', 'con', '-rf', `${long}a`, `${long}b`];
  const allCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~';
  for (const demo of DEMO_PAYLOADS) {
    const entries = [...sdkKeys, allCharacters].map((sdkKey, index) => {
      return {
        key: demo.keyOf(sdkKey),
        payload: demo.payloadOf(TIME + DEMO_PAYLOADS.indexOf(demo) * 100 + index),
      };
    });
    for (const { key, payload } of entries) {
      assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' }, key.sdkKey);
    }
    for (const { key, payload } of entries) assertHolds(await snapshots.load(key), payload);
  }
}
