// The time of a file is that of the origin's last confirmation, however long ago it was and whoever stored it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskSnapshots } from '../../../src/storage/disk/disk-snapshots.js';
import { assertHolds, KEY, TIME } from '../../contracts/snapshots-place.js';
import { within } from '../../e2e/deadline.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { DiskPlace } from './disk-place.js';

const demo = DEMO.v2JsonBr;
const key = demo.keyOf(KEY);
const payload = demo.payloadOf(TIME);
const AN_HOUR_MS = 3_600_000;

async function ageOf(snapshots: DiskSnapshots, version = TIME): Promise<number> {
  return assertHolds(await snapshots.load(key), demo.payloadOf(version)).confirmedAgoMs;
}

test('what is saved is as old as the confirmation that it came with', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  for (const [step, agoMs] of [0, 1, 45_000, AN_HOUR_MS].entries()) {
    await snapshots.save(key, demo.payloadOf(TIME + step), agoMs);
    assert.equal(await ageOf(snapshots, TIME + step), agoMs);
  }
});

test('an age that no clock can have been at is the largest there is', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  await snapshots.save(key, payload, Infinity);
  assert.equal(await ageOf(snapshots), place.clock.nowMs());
  await snapshots.save(key, demo.payloadOf(TIME + 1), -5000);
  assert.equal(await ageOf(snapshots, TIME + 1), 0, 'and none lies ahead');
});

test('of the version stored, the later confirmation stays', async (t) => {
  const place = new DiskPlace(t);
  const [first, second] = [await place.open(), await place.open()];
  for (const [agoMs, expectedMs] of [
    [200_000, 200_000],
    [AN_HOUR_MS, 200_000],
    [100_000, 100_000],
    [150_000, 100_000],
    [0, 0],
    [AN_HOUR_MS, 0],
  ] as const) {
    assert.deepEqual(await second.save(key, payload, agoMs), { kind: 'stored' });
    assert.equal(await ageOf(first), expectedMs, `${agoMs} ms ago`);
  }
});

test('a version that another process stored while an older confirmation of it was written stays as young', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const [slow, quick] = [await place.open({}, troubled.files), await place.open()];
  const sync = troubled.hang('sync');
  const saved = slow.save(key, payload, AN_HOUR_MS);
  await within(sync.reached, 'sync of the file');
  await quick.save(key, payload, 0);
  sync.release();
  assert.deepEqual(await saved, { kind: 'stored' });
  assert.equal(await ageOf(slow), 0);
});

test('a save of long ago says nothing of now: the confirmation after it is written', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  await snapshots.save(key, payload, AN_HOUR_MS);
  assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'stored' });
  assert.equal(await ageOf(snapshots), 0);
});

test('what waits for its turn becomes no younger', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  const [confirmed, saved] = [demo.keyOf('confirmed'), key];
  await snapshots.save(confirmed, payload, AN_HOUR_MS);
  const sync = troubled.hang('sync');
  const before = snapshots.save(demo.keyOf('before'), payload, 0);
  await within(sync.reached, 'sync of the file before');
  const waiting = [snapshots.confirm(confirmed, TIME), snapshots.save(saved, payload, 1000)];
  await place.age(20_000);
  sync.release();
  await Promise.all([before, ...waiting]);
  assert.equal(await ageOf(snapshots), 21_000);
  assert.equal(assertHolds(await snapshots.load(confirmed), payload).confirmedAgoMs, 20_000);
});

test('a file that is being written is not taken for one left behind, however old its confirmation is', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  const rename = troubled.hang('rename');
  const saved = snapshots.save(key, payload, AN_HOUR_MS);
  await within(rename.reached, 'rename of the file');
  await place.open();
  rename.release();
  assert.deepEqual(await saved, { kind: 'stored' });
  assert.equal(await ageOf(snapshots), AN_HOUR_MS);
});

test('a file of another user, whose times only its owner may set, is written anew', async (t) => {
  const place = new DiskPlace(t);
  await (await place.open()).save(key, payload, AN_HOUR_MS);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  let calls = 0;
  // Of the file that is there, and not of the one that is written.
  troubled.fail('utimes', 'EPERM', () => (calls += 1) !== 3);
  assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' });
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
  assert.equal(calls, 4);
  assert.equal(await ageOf(snapshots), 0);
  assert.deepEqual(place.sink.lines, []);
});
