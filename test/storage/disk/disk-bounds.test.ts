// What may lie in the data folder is bounded: snapshots, what was set aside, and what writers left behind.
import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { snapshotName, temporaryName } from '../../../src/storage/disk/file-names.js';
import { assertHolds, KEY, TIME } from '../../contracts/snapshots-place.js';
import { within } from '../../e2e/deadline.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { DiskPlace } from './disk-place.js';

const demo = DEMO.v2JsonBr;
const key = demo.keyOf(KEY);
const payload = demo.payloadOf(TIME);

test('beyond the files that there may be, the longest unconfirmed go first', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open({ filesMax: 4 });
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'].map((sdkKey) => demo.keyOf(sdkKey));
  const stored = async (): Promise<string[]> => {
    const loadings = await Promise.all(keys.map((each) => snapshots.load(each)));
    return keys.filter((_key, index) => loadings[index]?.kind === 'found').map(({ sdkKey }) => sdkKey);
  };
  for (const each of keys.slice(0, 4)) {
    await snapshots.save(each, payload, 0);
    await place.age(40_000);
  }
  await snapshots.confirm(demo.keyOf('a'), TIME);
  assert.deepEqual(await stored(), ['a', 'b', 'c', 'd']);
  await snapshots.save(demo.keyOf('e'), payload, 0);
  assert.deepEqual(await stored(), ['a', 'c', 'd', 'e']);
  await place.age(40_000);
  await snapshots.save(demo.keyOf('f'), payload, 0);
  assert.deepEqual(await stored(), ['a', 'd', 'e', 'f']);
  assert.deepEqual(await snapshots.confirm(demo.keyOf('c'), TIME), { kind: 'behind' });
  assert.equal(place.names.length, 4);
  const { files } = snapshots.describe() as { files: object };
  assert.deepEqual(files, { entries: 4, entriesMax: 4 });
});

test('what was given up is known to be missing', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open({ filesMax: 2 });
  for (const sdkKey of ['a', 'b']) await snapshots.save(demo.keyOf(sdkKey), payload, 0);
  // Younger for this handle, and older on the disk.
  utimesSync(place.pathOf(snapshotName(demo.keyOf('b'))), 0, 0);
  await snapshots.save(demo.keyOf('c'), payload, 0);
  assert.deepEqual(await snapshots.confirm(demo.keyOf('b'), TIME), { kind: 'behind' });
  assert.deepEqual(await snapshots.confirm(demo.keyOf('a'), TIME), { kind: 'stored' });
});

test('what was removed, or set aside, makes room', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({ filesMax: 3 }, troubled.files);
  for (const sdkKey of ['a', 'b', 'c']) await snapshots.save(demo.keyOf(sdkKey), payload, 0);
  troubled.order.length = 0;
  await snapshots.remove(demo.keyOf('a'));
  await snapshots.save(demo.keyOf('d'), payload, 0);
  writeFileSync(place.pathOf(snapshotName(demo.keyOf('b'))), 'damaged');
  await place.age(60_000);
  await snapshots.confirm(demo.keyOf('b'), TIME);
  await snapshots.save(demo.keyOf('e'), payload, 0);
  assert.ok(!troubled.order.includes('readdir'), 'there was no need to look for room');
  const { files } = snapshots.describe() as { files: object };
  assert.deepEqual(files, { entries: 3, entriesMax: 3 });
});

test('however many saves come at once, room is looked for once', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({ filesMax: 4 }, troubled.files);
  troubled.order.length = 0;
  await Promise.all(
    Array.from({ length: 20 }, (_none, index) => snapshots.save(demo.keyOf(`${index}`), payload, 0)),
  );
  assert.equal(place.names.length, 4);
  assert.equal(troubled.order.filter((operation) => operation === 'readdir').length, 1);
});

test('a folder with too many files is put right at the start', async (t) => {
  const place = new DiskPlace(t);
  const before = await place.open();
  for (let index = 0; index < 40; index += 1) {
    await before.save(demo.keyOf(`key-${index}`), payload, 0);
    await place.age(1000);
  }
  await place.open({ filesMax: 20 });
  // One in sixteen more than needed goes, so that not every save after it has to look again.
  assert.equal(place.names.length, 19);
  const after = await place.open({ filesMax: 20 });
  assertHolds(await after.load(demo.keyOf('key-39')), payload);
  assertHolds(await after.load(demo.keyOf('key-21')), payload);
  assert.deepEqual(await after.load(demo.keyOf('key-20')), { kind: 'missing' });
});

test('a snapshot that is confirmed while others are being given up stays', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({ filesMax: 2 }, troubled.files);
  for (const sdkKey of ['a', 'b']) {
    await snapshots.save(demo.keyOf(sdkKey), payload, 0);
    await place.age(40_000);
  }
  const oldest = snapshotName(demo.keyOf('a'));
  // The survey looks at it first, to find that it is the oldest, and whoever gives it up looks again.
  let looks = 0;
  const second = troubled.hang('lstat', (path) => String(path).endsWith(oldest) && (looks += 1) === 2);
  const saved = snapshots.save(demo.keyOf('c'), payload, 0);
  await within(second.reached, 'second look at the oldest');
  const other = await place.open();
  assert.deepEqual(await other.confirm(demo.keyOf('a'), TIME), { kind: 'stored' });
  second.release();
  await saved;
  for (const sdkKey of ['a', 'b', 'c']) assertHolds(await snapshots.load(demo.keyOf(sdkKey)), payload);
});

test('what was left behind by writers that are no more is removed, and files of others are not', async (t) => {
  const place = new DiskPlace(t);
  mkdirSync(place.folder, { mode: 0o700 });
  const name = snapshotName(key);
  const nowS = place.clock.nowMs() / 1000;
  const leave = (file: string, ageS: number): string => {
    writeFileSync(place.pathOf(file), file);
    utimesSync(place.pathOf(file), nowS - ageS, nowS - ageS);
    return file;
  };
  leave(temporaryName(name, 'aaaa', 1), 601);
  leave(temporaryName(name, 'aaaa', 2), 1_000_000);
  leave(temporaryName(name, 'aaaa', 3), -601);
  const kept = [
    temporaryName(name, 'aaaa', 4),
    `${temporaryName(name, 'aaaa', 5)}.bak`,
    'README',
    'spec.tmp',
    `x${temporaryName(name, 'aaaa', 6)}`,
  ].map((file) => leave(file, file.includes('-4.') ? 599 : 1_000_000));
  await place.open();
  assert.deepEqual(place.names, kept.sort());
});

test('of what looks as if it were being written, no more than 32 files stay', async (t) => {
  const place = new DiskPlace(t);
  mkdirSync(place.folder, { mode: 0o700 });
  const nowS = place.clock.nowMs() / 1000;
  for (let count = 0; count < 40; count += 1) {
    const path = place.pathOf(temporaryName(snapshotName(key), 'aaaa', count));
    writeFileSync(path, '');
    utimesSync(path, nowS - count, nowS - count);
  }
  await place.open();
  const counts = place.names.map((name) => Number(/-(\d+)\.tmp$/.exec(name)?.[1]));
  assert.deepEqual(
    counts.sort((a, b) => a - b),
    Array.from({ length: 32 }, (_none, index) => index),
  );
});

test('of what was set aside, no more than 32 files stay', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  const folder = `${snapshotName(demo.keyOf('folder'))}.set-aside`;
  mkdirSync(place.pathOf(folder));
  for (let index = 0; index < 40; index += 1) {
    writeFileSync(place.pathOf(snapshotName(demo.keyOf(`key-${index}`))), 'damaged');
    assert.equal((await snapshots.load(demo.keyOf(`key-${index}`))).kind, 'unusable');
  }
  await snapshots.save(key, payload, 0);
  const left = place.names.filter((name) => name.endsWith('.set-aside'));
  assert.ok(left.includes(folder), 'what is in a folder is not ours to delete');
  assert.deepEqual(
    place.sink.lines.filter(({ fault }) => fault === undefined),
    [],
  );
  assert.equal(left.length - 1, 30, 'two more than needed go, so that not each has to look for room');
  assert.ok(left.includes(`${snapshotName(demo.keyOf('key-39'))}.set-aside`), 'the newest stay');
});

test('once an hour a save looks for what was left behind', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  const temporary = temporaryName(snapshotName(key), 'aaaa', 1);
  writeFileSync(place.pathOf(temporary), '');
  utimesSync(place.pathOf(temporary), 0, 0);
  await place.age(3_599_000);
  await snapshots.save(key, payload, 0);
  assert.ok(place.names.includes(temporary));
  await place.age(1000);
  await snapshots.save(key, payload, 0);
  assert.deepEqual(place.names, [snapshotName(key)]);
});
