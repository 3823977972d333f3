// What is told of a disk that fails: one line when it begins, one when it works again, and no SDK key.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { snapshotName } from '../../src/storage/disk/file-names.js';
import { TIME } from '../contracts/snapshots-place.js';
import { DEMO } from '../fakes/demo-payloads.js';
import { TroubledFiles } from '../fakes/troubled-files.js';
import { DiskPlace } from '../storage/disk/disk-place.js';
import {
  READS_FAIL,
  READS_WORK,
  WRITES_FAIL,
  WRITES_WORK,
  healthLines,
  messages,
} from '../storage/disk/health-lines.js';

const demo = DEMO.v2JsonBr;
const payload = demo.payloadOf(TIME);

const [first, second] = [demo.keyOf('secret-first-0123456789'), demo.keyOf('secret-second-0123456789')];

test('one line when it begins to fail and one when it works again, however often it is tried', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  for (let round = 0; round < 2; round += 1) {
    troubled.fail('write', 'ENOSPC');
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await snapshots.save(first, demo.payloadOf(TIME + round), 0);
      assert.deepEqual(await snapshots.load(second), { kind: 'missing' }, 'reads go on');
      await place.age(10_000);
    }
    const writes = { state: 'failing', reason: 'disk_full', detail: 'ENOSPC', forS: 50 };
    const { reads, writes: seen } = snapshots.describe() as Record<string, unknown>;
    assert.deepEqual([reads, seen], [{ state: 'working' }, writes]);
    troubled.heal();
    await snapshots.save(first, demo.payloadOf(TIME + round), 0);
  }
  assert.deepEqual(messages(place), [WRITES_FAIL, WRITES_WORK, WRITES_FAIL, WRITES_WORK]);
});

test('a folder that could not be made at the start works again with the first file', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  troubled.fail('mkdir', 'EROFS');
  const snapshots = await place.open({}, troubled.files);
  assert.equal(healthLines(place)[0]?.['reason'], 'disk_denied');
  troubled.heal();
  await snapshots.save(first, payload, 0);
  assert.deepEqual(messages(place), [WRITES_FAIL, WRITES_WORK]);
});

test('a file that always fails among others that never do has one line', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  troubled.fail('rename', 'EIO', (from) => String(from).includes(snapshotName(first)));
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await snapshots.save(first, payload, 0);
    await snapshots.save(second, demo.payloadOf(TIME + attempt), 0);
    await place.age(10_000);
  }
  assert.deepEqual(messages(place), [WRITES_FAIL]);
  // Nobody asks for it any more: that it fails is of no interest then.
  await place.age(60_000);
  await snapshots.save(second, demo.payloadOf(TIME + 20), 0);
  assert.deepEqual(messages(place), [WRITES_FAIL, WRITES_WORK]);
});

test('reads and writes are told apart, each when it begins to fail and when it works again', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  troubled.fail('lstat', 'EIO');
  await snapshots.load(first);
  await snapshots.save(first, payload, 0);
  await snapshots.load(first);
  assert.deepEqual(messages(place), [READS_FAIL, WRITES_FAIL]);
  troubled.heal();
  await snapshots.load(first);
  await snapshots.load(first);
  assert.deepEqual(messages(place), [READS_FAIL, WRITES_FAIL, READS_WORK]);
  await snapshots.save(first, payload, 0);
  assert.deepEqual(messages(place), [READS_FAIL, WRITES_FAIL, READS_WORK, WRITES_WORK]);
  const accesses = healthLines(place).map(({ access }) => access);
  assert.deepEqual(accesses, ['read', 'write', 'read', 'write']);
});

test('a read that fails hides no write that begins to fail later, and none that works again', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  await snapshots.save(first, payload, 0);
  troubled.fail('read', 'EIO');
  await snapshots.load(first);
  troubled.fail('write', 'ENOSPC');
  await snapshots.save(second, payload, 0);
  troubled.heal();
  await snapshots.save(second, payload, 0);
  assert.deepEqual(messages(place), [READS_FAIL, WRITES_FAIL, WRITES_WORK]);
});

test('reads work again as soon as anything is read: a look before a write is enough', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  const looks: readonly (() => Promise<unknown>)[] = [
    () => snapshots.confirm(first, TIME),
    () => snapshots.save(first, payload, 0),
    () => snapshots.load(first),
  ];
  for (const look of looks) {
    await snapshots.save(first, payload, 0);
    await place.age(60_000);
    troubled.fail('read', 'EIO');
    await snapshots.load(first);
    troubled.heal();
    // What can be read, and not be touched, was read all the same.
    troubled.fail('utimes', 'EROFS');
    place.sink.lines.length = 0;
    await look();
    troubled.heal();
    assert.ok(messages(place).includes(READS_WORK), String(looks.indexOf(look)));
    await place.age(60_000);
    await snapshots.confirm(first, TIME);
  }
  await snapshots.remove(first);
  troubled.fail('open', 'EIO');
  await snapshots.load(first);
  troubled.heal();
  place.sink.lines.length = 0;
  assert.deepEqual(await snapshots.confirm(first, TIME), { kind: 'behind' });
  assert.deepEqual(messages(place), [READS_WORK], 'that there is nothing was read too');
});

test('no line holds an SDK key, nor does any file', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  await snapshots.save(first, payload, 0);
  writeFileSync(place.pathOf(snapshotName(second)), 'damaged');
  await snapshots.load(second);
  troubled.fail('open', 'EIO');
  await snapshots.save(second, payload, 0);
  const text = place.sink.text + place.names.join() + JSON.stringify(snapshots.describe()) + place.contents;
  assert.ok(place.sink.lines.length > 1 && place.names.length > 1);
  for (const { sdkKey } of [first, second]) assert.ok(!text.includes(sdkKey), sdkKey);
});
