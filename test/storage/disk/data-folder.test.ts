// The data folder: made when it is needed, refused where it is not safe, and used again when it is back.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { snapshotName } from '../../../src/storage/disk/file-names.js';
import { assertHolds, KEY, TIME } from '../../contracts/snapshots-place.js';
import { within } from '../../e2e/deadline.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { DiskPlace } from './disk-place.js';
import { READS_FAIL, READS_WORK, WRITES_FAIL, WRITES_WORK, healthLines, messages } from './health-lines.js';

const demo = DEMO.v2JsonBr;
const key = demo.keyOf(KEY);
const payload = demo.payloadOf(TIME);
const NOBODY_UID = 65_534;

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

test('nobody else can read what is stored', async (t) => {
  const place = new DiskPlace(t);
  const folder = join(place.folder, 'of', 'several', 'parts');
  const snapshots = await place.open({ folder });
  await snapshots.save(key, payload, 0);
  assert.equal(modeOf(place.folder), 0o700);
  assert.equal(modeOf(folder), 0o700);
  assert.equal(modeOf(join(folder, snapshotName(key))), 0o600);
});

test('a folder that others may read, but not write, will do', async (t) => {
  const place = new DiskPlace(t);
  mkdirSync(place.folder);
  chmodSync(place.folder, 0o755);
  const snapshots = await place.open();
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
});

describe('a folder that must not be used', () => {
  const cases: readonly {
    readonly name: string;
    readonly detail: string;
    /** Makes it so; gives the uid to be used. */
    readonly make: (folder: string, uid: number) => number;
  }[] = [
    {
      name: 'the folder of another user',
      detail: 'the folder belongs to another user',
      make: (folder, uid) => {
        mkdirSync(folder, { mode: 0o700 });
        return uid + 1;
      },
    },
    {
      name: 'a folder that everybody may write into',
      detail: 'other users may write into the folder',
      make: (folder, uid) => {
        mkdirSync(folder);
        chmodSync(folder, 0o702);
        return uid;
      },
    },
    {
      name: 'a file',
      detail: 'the path exists but is not a directory',
      make: (folder, uid) => {
        writeFileSync(folder, '');
        return uid;
      },
    },
    {
      name: 'a link that leads nowhere',
      detail: 'the symbolic link does not lead to a directory',
      make: (folder, uid) => {
        symlinkSync('/nowhere', folder);
        return uid;
      },
    },
    {
      name: 'a link to a folder that everybody may write into',
      detail: 'other users may write into the folder',
      make: (folder, uid) => {
        mkdirSync(`${folder}-elsewhere`);
        chmodSync(`${folder}-elsewhere`, 0o777);
        symlinkSync(`${folder}-elsewhere`, folder);
        return uid;
      },
    },
  ];
  for (const { name, detail, make } of cases) {
    test(name, async (t) => {
      const place = new DiskPlace(t);
      const uid = make(place.folder, process.getuid?.() ?? 0);
      const snapshots = await place.open({ user: { uid, gids: [] } });
      const denied = { kind: 'failed', reason: 'disk_denied' };
      assert.deepEqual(await snapshots.load(key), denied);
      assert.deepEqual(await snapshots.save(key, payload, 0), denied);
      assert.deepEqual(await snapshots.confirm(key, TIME), denied);
      assert.deepEqual(await snapshots.remove(key), denied);
      assert.deepEqual(messages(place), [WRITES_FAIL, READS_FAIL], 'one line for each');
      for (const line of healthLines(place)) {
        assert.deepEqual([line['reason'], line['detail'], line['level']], ['disk_denied', detail, 'warn']);
        assert.equal(line['folder'], place.folder);
      }
    });
  }
});

test("a link of one's own to a folder of one's own is followed", async (t) => {
  const place = new DiskPlace(t);
  mkdirSync(`${place.folder}-elsewhere`, { mode: 0o700 });
  symlinkSync(`${place.folder}-elsewhere`, place.folder);
  const snapshots = await place.open();
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
  assertHolds(await snapshots.load(key), payload);
});

test("another user's link is not followed, wherever it leads", async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  mkdirSync(`${place.folder}-elsewhere`, { mode: 0o700 });
  symlinkSync(`${place.folder}-elsewhere`, place.folder);
  troubled.changeOwner(place.folder, NOBODY_UID);
  const snapshots = await place.open({}, troubled.files);
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'failed', reason: 'disk_denied' });
  assert.equal(healthLines(place)[0]?.['detail'], 'the symbolic link to the folder belongs to another user');
});

test('where the system knows no users, the folder is not asked for its owner', async (t) => {
  const place = new DiskPlace(t);
  mkdirSync(place.folder);
  chmodSync(place.folder, 0o777);
  const snapshots = await place.open({ user: undefined });
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
});

test('a folder that cannot be made is made by the first save that can', async (t) => {
  const place = new DiskPlace(t);
  const parent = join(dirname(place.folder), 'parent');
  writeFileSync(parent, 'a file, where a folder should be');
  const snapshots = await place.open({ folder: join(parent, 'data') });
  assert.deepEqual(messages(place), [WRITES_FAIL]);
  assert.equal(healthLines(place)[0]?.['detail'], 'ENOTDIR');
  const failed = { kind: 'failed', reason: 'disk_failed' };
  assert.deepEqual(await snapshots.save(key, payload, 0), failed);
  assert.deepEqual(await snapshots.load(key), failed);
  rmSync(parent);
  assert.deepEqual(await snapshots.load(key), { kind: 'missing' });
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
  assertHolds(await snapshots.load(key), payload);
  assert.deepEqual(messages(place), [WRITES_FAIL, READS_FAIL, READS_WORK, WRITES_WORK]);
});

test('a folder that somebody else makes in the same moment is looked at before it is used', async (t) => {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const mkdir = troubled.hang('mkdir');
  const opening = place.open({}, troubled.files);
  await within(mkdir.reached, 'making of the folder');
  mkdirSync(place.folder);
  chmodSync(place.folder, 0o777);
  mkdir.release();
  await opening;
  assert.deepEqual(
    healthLines(place).map(({ detail }) => detail),
    ['other users may write into the folder'],
  );
  assert.ok(!troubled.order.includes('readdir'));
});

test('a folder that vanishes and comes back is used again', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  await snapshots.save(key, payload, 0);
  renameSync(place.folder, `${place.folder}-away`);
  assert.deepEqual(await snapshots.load(key), { kind: 'missing' });
  assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' });
  assert.deepEqual(await snapshots.remove(key), { kind: 'missing' });
  renameSync(`${place.folder}-away`, place.folder);
  assertHolds(await snapshots.load(key), payload);
  rmSync(place.folder, { recursive: true });
  assert.deepEqual(await snapshots.save(key, payload, 0), { kind: 'stored' });
  assertHolds(await snapshots.load(key), payload);
  assert.deepEqual(messages(place), []);
});

test('a folder that its group may write into is used: Kubernetes makes every volume so', async (t) => {
  const place = new DiskPlace(t);
  const snapshots = await place.open();
  await snapshots.save(key, payload, 0);
  chmodSync(place.folder, 0o2770);
  assertHolds(await snapshots.load(key), payload);
});
