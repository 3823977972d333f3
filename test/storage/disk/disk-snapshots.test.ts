// Snapshots on a disk keep the contract, ask the disk no more than they need, and wait for it no longer than they must.
import assert from 'node:assert/strict';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { snapshotName } from '../../../src/storage/disk/file-names.js';
import { snapshotsContract } from '../../contracts/snapshots-contract.js';
import { assertHolds, KEY, ownKey, TIME } from '../../contracts/snapshots-place.js';
import { eventually, within } from '../../e2e/deadline.js';
import { sealWith } from '../../fakes/backup-seals.js';
import { DEMO, DEMO_PAYLOADS } from '../../fakes/demo-payloads.js';
import { settle } from '../../fakes/manual-clock.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { DiskPlace } from './disk-place.js';

const demo = DEMO.v2JsonBr;
const key = demo.keyOf(KEY);
const payload = demo.payloadOf(TIME);
const FAILED = { kind: 'failed', reason: 'disk_failed' };

snapshotsContract('disk', async (t) => new DiskPlace(t));
snapshotsContract('disk, sealed', async (t) => new DiskPlace(t, undefined, sealWith(1)));

test('a body comes back in the very form in which it was stored', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  for (const each of DEMO_PAYLOADS) {
    await snapshots.save(ownKey(each), each.payloadOf(TIME), 0);
    const loading = await snapshots.load(ownKey(each));
    assert.ok(loading.kind === 'found');
    assert.deepEqual(loading.snapshot.payload, each.payloadOf(TIME));
  }
});

test('a file is a line of JSON and the body, under a name that tells nothing of the key', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  const protobuf = DEMO.protobuf.keyOf('k');
  await snapshots.save(protobuf, DEMO.protobuf.payloadOf(TIME), 0);
  // sha256 of "k"
  const name = '8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a.v2.protobuf.spec';
  assert.deepEqual(place.names, [name]);
  const bytes = readFileSync(place.pathOf(name));
  const lineEnd = bytes.indexOf('\n');
  const header = JSON.parse(bytes.toString('latin1', 0, lineEnd)) as Record<string, unknown>;
  assert.deepEqual([header['layout'], header['version'], header['encoding']], [1, TIME, 'br']);
  assert.deepEqual(bytes.subarray(lineEnd + 1), DEMO.protobuf.payloadOf(TIME).originForm.bytes);
});

test('a file is whole on the disk before it has its name, and has it for good before that is said', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  troubled.order.length = 0;
  await snapshots.save(key, payload, 0);
  const steps = troubled.order.filter((operation) => ['write', 'sync', 'rename'].includes(operation));
  assert.deepEqual(steps, ['write', 'write', 'sync', 'rename', 'sync']);
});

test('a version that another process stored while this one was written stays', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const [slow, quick] = [await place.open({}, troubled.files), await place.open()];
  const newer = demo.payloadOf(TIME + 1);
  for (const [other, expected] of [
    [newer, { kind: 'newer', version: TIME + 1 }],
    [payload, { kind: 'stored' }],
  ] as const) {
    const sync = troubled.hang('sync');
    const saved = slow.save(key, payload, 0);
    await within(sync.reached, 'sync of the file');
    await quick.save(key, other, 0);
    const { ino } = statSync(place.pathOf(snapshotName(key)));
    sync.release();
    assert.deepEqual(await saved, expected);
    assertHolds(await slow.load(key), other);
    assert.equal(statSync(place.pathOf(snapshotName(key))).ino, ino, 'the file that was there first');
    assert.deepEqual(place.names, [snapshotName(key)]);
    await slow.remove(key);
  }
});

test('an older version that gets its name at the very last moment gives way to the next confirmation', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const [slow, quick] = [await place.open({}, troubled.files), await place.open()];
  const newer = demo.payloadOf(TIME + 1);
  const rename = troubled.hang('rename');
  const saved = slow.save(key, payload, 0);
  await within(rename.reached, 'rename after the last look');
  await quick.save(key, newer, 0);
  rename.release();
  assert.deepEqual(await saved, { kind: 'stored' });
  assertHolds(await quick.load(key), payload);
  await place.age(30_000);
  assert.deepEqual(await quick.confirm(key, TIME + 1), { kind: 'behind' });
  assert.deepEqual(await quick.save(key, newer, 0), { kind: 'stored' });
  assertHolds(await slow.load(key), newer);
});

test('a file that takes the place of a damaged one is not set aside with it', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const [slow, quick] = [await place.open({}, troubled.files), await place.open()];
  const path = place.pathOf(snapshotName(key));
  writeFileSync(path, 'damaged');
  const lstat = troubled.hang('lstat', (looked) => looked === path);
  const loaded = slow.load(key);
  await within(lstat.reached, 'look at what is to be set aside');
  await quick.save(key, payload, 0);
  lstat.release();
  assert.deepEqual(await loaded, { kind: 'unusable', fault: 'unknown_format' });
  assertHolds(await slow.load(key), payload);
});

test('a file is touched at most once in 30 s, and not asked for in between', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  await snapshots.save(key, payload, 0);
  const path = place.pathOf(snapshotName(key));
  const touched: number[] = [];
  troubled.order.length = 0;
  for (let second = 10; second <= 90; second += 10) {
    await place.age(10_000);
    assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'stored' });
    if (Math.round(statSync(path).mtimeMs) === place.clock.nowMs()) touched.push(second);
  }
  assert.deepEqual(touched, [30, 60, 90]);
  assert.equal(troubled.order.filter((operation) => operation === 'open').length, 3);
  assert.equal(troubled.order.length, 3 * 6, 'six operations each');
});

test('what a save has found out is known to the confirmation after it', async (t) => {
  const place = new DiskPlace(t);
  const [first, second] = [await place.open(), await place.open()];
  await first.save(key, payload, 0);
  await second.save(key, demo.payloadOf(TIME + 1), 0);
  const newer = { kind: 'newer', version: TIME + 1 };
  assert.deepEqual(await first.save(key, payload, 0), newer);
  assert.deepEqual(await first.confirm(key, TIME), newer);
});

test('what another process touched a moment ago is not touched again', async (t) => {
  const place = new DiskPlace(t);
  const first = await place.open();
  await first.save(key, payload, 0);
  const path = place.pathOf(snapshotName(key));
  const mtimeMs = Math.round(statSync(path).mtimeMs);
  await place.age(29_000);
  const second = await place.open();
  assert.deepEqual(await second.confirm(key, TIME), { kind: 'stored' });
  assert.equal(Math.round(statSync(path).mtimeMs), mtimeMs);
});

test('a clock that was set back makes nothing younger than now, and is put right', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  await snapshots.save(key, payload, 0);
  const path = place.pathOf(snapshotName(key));
  const tomorrowS = place.clock.nowMs() / 1000 + 86_400;
  utimesSync(path, tomorrowS, tomorrowS);
  assert.equal(assertHolds(await snapshots.load(key), payload).confirmedAgoMs, 0);
  await place.age(30_000);
  await snapshots.confirm(key, TIME);
  assert.equal(Math.round(statSync(path).mtimeMs), place.clock.nowMs());
});

test('a disk that hangs is waited for no longer than 30 s, and used again when it is back', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  const sync = troubled.hang('sync');
  const saved = snapshots.save(key, payload, 0);
  await within(sync.reached, 'sync of the file');
  const confirmed = snapshots.confirm(key, TIME);
  await place.age(30_000);
  assert.deepEqual(await within(saved, 'outcome of the save'), FAILED);
  assert.deepEqual(await within(confirmed, 'outcome of what waits behind it'), FAILED);
  assert.deepEqual(await within(snapshots.load(demo.keyOf('other')), 'outcome at once'), FAILED);
  sync.release();
  await eventually('end of the save', async () => (await snapshots.load(key)).kind === 'found');
  assertHolds(await snapshots.load(key), payload);
  await snapshots.confirm(demo.keyOf('other'), TIME);
  const lines = place.sink.lines.filter(({ msg }) => String(msg).startsWith('data folder'));
  assert.equal(lines[0]?.['detail'], 'the disk is too slow');
});

test('a load answers within 2 s, and reads work again when the disk is back', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  await snapshots.save(key, payload, 0);
  const read = troubled.hang('read');
  const loaded = snapshots.load(key);
  await within(read.reached, 'read of the file');
  let isAnswered = false;
  const answered = loaded.then(() => (isAnswered = true));
  await place.age(1999);
  await settle();
  assert.equal(isAnswered, false);
  await place.age(1);
  await within(answered, 'answer');
  assert.deepEqual(await loaded, FAILED);
  const other = snapshots.save(demo.keyOf('other'), payload, 0);
  assert.deepEqual(await within(other, 'save beside it'), { kind: 'stored' }, 'writes go on');
  read.release();
  await within(
    place.sink.waitFor(({ msg }) => msg === 'data folder works again: what is stored there can be read'),
    'end of what went on behind',
  );
  assertHolds(await snapshots.load(key), payload);
});

test('on a disk that hangs, a start goes on after 2 s and a stop ends after one', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const lstat = troubled.hang('lstat');
  const opening = place.open({}, troubled.files);
  await within(lstat.reached, 'look at the folder');
  let isOpen = false;
  void opening.then(() => (isOpen = true));
  await place.age(1999);
  await settle();
  assert.equal(isOpen, false);
  await place.age(1);
  const snapshots = await within(opening, 'handle');
  const [loaded, saved] = [snapshots.load(key), snapshots.save(key, payload, 0)];
  const closed = snapshots.close();
  await place.age(1000);
  await within(closed, 'end of the handle');
  for (const outcome of await within(Promise.all([loaded, saved]), 'outcomes')) {
    assert.deepEqual(outcome, { kind: 'failed', reason: 'closed' });
  }
  assert.deepEqual(place.sink.lines, []);
  lstat.release();
});

test('a folder that was slow at the start is put right behind it', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const readdir = troubled.hang('readdir');
  const opening = place.open({}, troubled.files);
  await within(readdir.reached, 'look at the files');
  await place.age(2000);
  const snapshots = await within(opening, 'handle');
  const saved = snapshots.save(key, payload, 0);
  readdir.release();
  assert.deepEqual(await within(saved, 'save'), { kind: 'stored' });
  assertHolds(await snapshots.load(key), payload);
});

test('a handle that is closed finishes what it has begun, and begins nothing more', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  const write = troubled.hang('write');
  const begun = snapshots.save(key, payload, 0);
  await within(write.reached, 'write');
  const waiting = snapshots.save(demo.keyOf('other'), payload, 0);
  let isClosed = false;
  const closed = snapshots.close().then(() => (isClosed = true));
  await settle();
  assert.equal(isClosed, false);
  write.release();
  await within(closed, 'end of the handle');
  assert.deepEqual(await begun, { kind: 'stored' });
  assert.deepEqual(await waiting, { kind: 'failed', reason: 'closed' });
  assert.deepEqual(place.names, [snapshotName(key)]);
  assert.equal(place.clock.scheduled, 0);
});
