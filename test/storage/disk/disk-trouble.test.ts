// A disk that is full, read-only, gone, of somebody else or hanging: every call says so, none rejects, nothing good is lost.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { DiskSnapshots } from '../../../src/storage/disk/disk-snapshots.js';
import { snapshotName } from '../../../src/storage/disk/file-names.js';
import type { Loading } from '../../../src/storage/snapshots.js';
import { assertHolds, KEY, TIME } from '../../contracts/snapshots-place.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import type { LogLine } from '../../fakes/log-sink.js';
import { FILE_OPERATIONS, TroubledFiles, type FileOperation } from '../../fakes/troubled-files.js';
import { DiskPlace } from './disk-place.js';

const demo = DEMO.v2JsonBr;
const key = demo.keyOf(KEY);
const [older, newer] = [demo.payloadOf(TIME), demo.payloadOf(TIME + 1)];
const FULL = { kind: 'failed', reason: 'disk_full' };
const DENIED = { kind: 'failed', reason: 'disk_denied' };
const FAILED = { kind: 'failed', reason: 'disk_failed' };

interface Scene {
  readonly place: DiskPlace;
  readonly troubled: TroubledFiles;
  readonly snapshots: DiskSnapshots;
}

async function createScene(t: TestContext): Promise<Scene> {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  return { place, troubled, snapshots: await place.open({}, troubled.files) };
}

function healthLines({ sink }: DiskPlace): readonly LogLine[] {
  return sink.lines.filter(({ msg }) => String(msg).startsWith('data folder'));
}

describe('a write that fails', () => {
  const writes: readonly FileOperation[] = ['open', 'write', 'utimes', 'sync', 'close', 'rename'];
  const isNew = (_path: unknown, flags: unknown): boolean => flags === 'wx';
  const codes = { ENOSPC: FULL, EDQUOT: FULL, EACCES: DENIED, EPERM: DENIED, EROFS: DENIED, EIO: FAILED };
  for (const operation of writes) {
    for (const [code, expected] of Object.entries(codes)) {
      test(`${operation} fails with ${code}: what was stored stays`, async (t) => {
        const { place, troubled, snapshots } = await createScene(t);
        await snapshots.save(key, older, 0);
        troubled.fail(operation, code, operation === 'open' ? isNew : undefined);
        assert.deepEqual(await snapshots.save(key, newer, 0), expected);
        troubled.heal();
        assertHolds(await snapshots.load(key), older);
        assert.deepEqual(place.names, [snapshotName(key)], 'what was begun is gone');
        assert.deepEqual(await snapshots.save(key, newer, 0), { kind: 'stored' });
        assertHolds(await snapshots.load(key), newer);
      });
    }
  }

  test('what was begun and cannot be removed is removed when it has become old', async (t) => {
    const { place, troubled, snapshots } = await createScene(t);
    troubled.fail('rename', 'EIO');
    troubled.fail('unlink', 'EIO');
    assert.deepEqual(await snapshots.save(key, older, 0), FAILED);
    assert.equal(place.names.length, 1);
    troubled.heal();
    await place.age(599_000);
    await place.open();
    assert.equal(place.names.length, 1, 'another process may be writing it');
    await place.age(2000);
    await place.open();
    assert.deepEqual(place.names, []);
  });
});

test('bytes that are taken and given a few at a time all arrive', async (t) => {
  const { troubled, snapshots } = await createScene(t);
  troubled.cutShort(7);
  await snapshots.save(key, older, 0);
  assertHolds(await snapshots.load(key), older);
});

test('a disk that takes no byte, and says nothing of it, fails', async (t) => {
  const { troubled, snapshots } = await createScene(t);
  troubled.cutShort(0);
  assert.deepEqual(await snapshots.save(key, older, 0), FAILED);
});

test('a file system that knows nothing of syncing folders is good enough', async (t) => {
  const { place, troubled, snapshots } = await createScene(t);
  let synced = 0;
  for (const [code, expected] of [
    ['EINVAL', { kind: 'stored' }],
    ['EIO', FAILED],
  ] as const) {
    // The first sync of a save is that of the file.
    troubled.fail('sync', code, () => (synced += 1) % 2 === 0);
    assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME + synced), 0), expected);
  }
  assertHolds(await snapshots.load(key), demo.payloadOf(TIME + 2));
  assert.equal(healthLines(place).length, 1);
});

test('a file that cannot be read is left where it is', async (t) => {
  const { place, troubled, snapshots } = await createScene(t);
  await snapshots.save(key, older, 0);
  troubled.fail('open', 'EACCES');
  assert.deepEqual(await snapshots.load(key), DENIED);
  troubled.heal();
  troubled.fail('read', 'EIO');
  assert.deepEqual(await snapshots.load(key), FAILED);
  troubled.heal();
  assert.deepEqual(place.names, [snapshotName(key)]);
  assertHolds(await snapshots.load(key), older);
});

test('whatever fails at whatever time, no call rejects, and what is stored is as before or as it should be', async (t) => {
  const { place, troubled, snapshots } = await createScene(t);
  const step = fc.record({
    call: fc.constantFrom<Call>('save', 'save', 'confirm', 'remove', 'load'),
    version: fc.nat(4),
    operation: fc.constantFrom(...FILE_OPERATIONS),
    code: fc.constantFrom('ENOSPC', 'EACCES', 'EIO', 'EMFILE'),
    /** How many calls of the operation work before it fails. */
    spared: fc.nat(4),
  });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const target = demo.keyOf(`secret-run-${(runs += 1)}`);
      let stored: number | undefined;
      for (const { call, version, operation, code, spared } of steps) {
        let calls = 0;
        troubled.fail(operation, code, () => (calls += 1) > spared);
        await place.age(60_000);
        await take(snapshots, call, target, version);
        troubled.heal();
        const found = versionOf(await snapshots.load(target));
        const possible = [stored, afterCall(call, version, stored)];
        assert.ok(possible.includes(found), `${String(found)} after ${call} of ${version}`);
        stored = found;
      }
      assert.deepEqual(await snapshots.save(target, demo.payloadOf(5), 0), { kind: 'stored' });
      assertHolds(await snapshots.load(target), demo.payloadOf(5));
    }),
    { numRuns: 100 },
  );
  assert.equal(troubled.openHandles, 0);
  await place.age(3_600_000);
  await snapshots.save(key, older, 0);
  assert.deepEqual(
    place.names.filter((name) => !name.endsWith('.spec')),
    [],
    'nothing is left of what was begun',
  );
});

type Call = 'save' | 'confirm' | 'remove' | 'load';

async function take(
  snapshots: DiskSnapshots,
  call: Call,
  target: typeof key,
  version: number,
): Promise<void> {
  if (call === 'save') await snapshots.save(target, demo.payloadOf(version), 0);
  else if (call === 'confirm') await snapshots.confirm(target, version);
  else if (call === 'remove') await snapshots.remove(target);
  else await snapshots.load(target);
}

function afterCall(call: Call, version: number, stored: number | undefined): number | undefined {
  if (call === 'remove') return undefined;
  return call === 'save' ? Math.max(version, stored ?? 0) : stored;
}

/** Fails where what is found is not what was saved. */
function versionOf(loading: Loading): number | undefined {
  if (loading.kind !== 'found') return undefined;
  return assertHolds(loading, demo.payloadOf(loading.snapshot.payload.version)).payload.version;
}
