// A stop waits for places that write, for a moment, and for none that hangs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishBackups } from '../../src/app/shutdown.js';
import { Backups } from '../../src/core/backups.js';
import { PayloadStore } from '../../src/core/payload-store.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { ScriptedPlace } from '../fakes/scripted-place.js';
import { SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';
import { createTestLog } from '../fakes/log-sink.js';

const KEY = { sdkKey: 'secret-finish-0123456789', kind: SPEC_V1, format: 'json' } as const;
const PAYLOAD = {
  format: 'json',
  version: 1,
  originForm: { encoding: 'identity', bytes: Buffer.from('{}'), etag: '"1"' },
  identityBytes: 2,
} as const;

function createBackups(clock: ManualClock, place: ScriptedPlace): Backups {
  const store = new PayloadStore(clock, createConcurrencyLimit(1), { sdkKeysMax: 1 });
  const backups = new Backups(clock, createTestLog(), store, [{ name: 'disk', snapshots: place }]);
  store.apply(KEY, PAYLOAD);
  backups.fetched(KEY, { kind: 'updated', payload: PAYLOAD }, 'stored');
  return backups;
}

test('what is being written is written before its place is closed, and nothing is left scheduled', async () => {
  const [clock, place] = [new ManualClock(), new ScriptedPlace()];
  const release = place.hold();
  const finished = finishBackups(clock, createBackups(clock, place));
  await settle();
  assert.equal(place.isClosed, false);
  release();
  await finished;
  assert.deepEqual([place.asked, place.isClosed, clock.scheduled], [['save 1'], true, 0]);
});

test('a place that hangs, in writing and in closing, is waited for less than a second', async () => {
  const [clock, place] = [new ManualClock(), new ScriptedPlace()];
  place.hold();
  place.close = () => new Promise(() => undefined);
  const finished = finishBackups(clock, createBackups(clock, place));
  await clock.advanceInSteps(900, 100);
  await finished;
  assert.equal(clock.scheduled, 0);
});

test('a removal that failed is tried again until it is done, and no more after the stop', async () => {
  const [clock, place] = [new ManualClock(), new ScriptedPlace()];
  const backups = createBackups(clock, place);
  await backups.idle();
  place.removing = { kind: 'failed', reason: 'connection_lost' };
  const left = { ...KEY, sdkKey: 'secret-refused-0123456789' };
  backups.fetched(left, { kind: 'unauthorized', status: 401 }, 'removed');
  await clock.advanceInSteps(12_000, 1_000);
  assert.deepEqual(place.asked, ['save 1', 'remove', 'remove', 'remove']);
  place.removing = { kind: 'removed' };
  await clock.advanceInSteps(20_000, 1_000);
  assert.equal(place.asked.length, 5);
  place.removing = { kind: 'failed', reason: 'connection_lost' };
  backups.fetched(left, { kind: 'unauthorized', status: 401 }, 'removed');
  await settle();
  await finishBackups(clock, backups);
  assert.equal(clock.scheduled, 0);
});
