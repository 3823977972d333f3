// Snapshots in memory: the contract that every place keeps, and a bound on their bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryShelf, MemorySnapshots } from '../../../src/storage/memory/memory-snapshots.js';
import { snapshotsContract } from '../../contracts/snapshots-contract.js';
import { assertHolds, TIME } from '../../contracts/snapshots-place.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import { ManualClock } from '../../fakes/manual-clock.js';

snapshotsContract('memory', async () => {
  const clock = new ManualClock();
  const shelf = new MemoryShelf();
  return {
    open: async () => new MemorySnapshots(clock, Infinity, shelf),
    age: async (durationMs) => {
      clock.advance(durationMs);
    },
  };
});

test('memory: what was saved longest ago leaves first, and what was saved last stays whatever its size', async () => {
  const demo = DEMO.v1Json;
  const keys = ['a', 'b', 'c'].map((name) => demo.keyOf(`secret-${name}`));
  const [a, b, c] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
  const { length } = demo.payloadOf(TIME).originForm.bytes;
  const snapshots = new MemorySnapshots(new ManualClock(), 2 * (length + 1_024));
  for (const key of keys) await snapshots.save(key, demo.payloadOf(TIME));
  assert.deepEqual(await snapshots.load(a), { kind: 'missing' });
  assertHolds(await snapshots.load(b), demo.payloadOf(TIME));
  assert.equal(snapshots.bytes, 2 * (length + 1_024));
  const large = demo.payloadOf(TIME + 1, 100);
  await snapshots.save(c, large);
  assertHolds(await snapshots.load(c), large);
  assert.deepEqual(await snapshots.load(b), { kind: 'missing' });
});
