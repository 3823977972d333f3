// What is found in the place of a snapshot and is none, or is none any more: never served, and put aside for people.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Encoding, Payload } from '../../../src/domain/payload.js';
import type { DiskSnapshots } from '../../../src/storage/disk/disk-snapshots.js';
import { snapshotName } from '../../../src/storage/disk/file-names.js';
import { encodeHeader, readHeader } from '../../../src/storage/disk/snapshot-header.js';
import type { SnapshotFault } from '../../../src/storage/snapshots.js';
import { assertHolds, KEY, TIME } from '../../contracts/snapshots-place.js';
import { DEMO } from '../../fakes/demo-payloads.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { DiskPlace } from './disk-place.js';
import { idListsKey } from '../../../src/protocols/statsig/resource-kinds.js';

const demo = DEMO.v2JsonBr;
const key = demo.keyOf(KEY);
const NAME = snapshotName(key);
const ASIDE = `${NAME}.set-aside`;
const SET_ASIDE = 'stored spec set aside: it cannot be used';

interface Scene {
  readonly place: DiskPlace;
  readonly troubled: TroubledFiles;
  readonly snapshots: DiskSnapshots;
  readonly path: string;
  /** Of the file, as it was written. */
  readonly bytes: Buffer;
}

/** A folder with one snapshot. */
async function createScene(t: TestContext): Promise<Scene> {
  const place = new DiskPlace(t);
  const troubled = new TroubledFiles();
  const snapshots = await place.open({}, troubled.files);
  await snapshots.save(key, demo.payloadOf(TIME), 0);
  const path = place.pathOf(NAME);
  return { place, troubled, snapshots, path, bytes: readFileSync(path) };
}

async function assertSetAside({ place, troubled, snapshots }: Scene, fault: SnapshotFault): Promise<void> {
  assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault });
  assert.deepEqual(place.names, [ASIDE]);
  const line = place.sink.withMessage(SET_ASIDE).at(-1);
  assert.deepEqual([line?.['file'], line?.['fault'], line?.['level']], [NAME, fault, 'warn']);
  assert.deepEqual(await snapshots.load(key), { kind: 'missing' });
  assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' });
  assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME), 0), { kind: 'stored' });
  assertHolds(await snapshots.load(key), demo.payloadOf(TIME));
  assert.deepEqual(snapshots.describe(), {
    ...snapshots.describe(),
    files: { entries: 1, entriesMax: 1000 },
  });
  assert.equal(troubled.openHandles, 0);
}

test('a file cut off anywhere is torn', async (t) => {
  const { snapshots, path, bytes } = await createScene(t);
  for (let length = 0; length < bytes.length; length += 1) {
    writeFileSync(path, bytes.subarray(0, length));
    assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'torn' }, `${length} bytes`);
  }
});

test('a file that goes on after its end is torn', async (t) => {
  const scene = await createScene(t);
  writeFileSync(scene.path, Buffer.concat([scene.bytes, Buffer.from('\n')]));
  await assertSetAside(scene, 'torn');
});

test('a manifest that another release stored is served only if it is one here', async (t) => {
  const snapshots = await new DiskPlace(t).open();
  const lists = idListsKey(KEY);
  const manifest = Buffer.from('{"a":{"url":"https://o.example/a","size":20}}');
  const payloadOf = (bytes: Buffer, encoding: Encoding): Payload => {
    const originForm = { encoding, bytes, etag: '"any"' };
    return { format: 'json', version: TIME, originForm, identityBytes: bytes.length };
  };
  const bad: [bytes: Buffer, encoding: Encoding][] = [
    [gzipSync(manifest), 'gzip'],
    [Buffer.from('{"a":{"size":20}}'), 'identity'],
  ];
  for (const [bytes, encoding] of bad) {
    assert.deepEqual(await snapshots.save(lists, payloadOf(bytes, encoding), 0), { kind: 'stored' });
    assert.deepEqual(await snapshots.load(lists), { kind: 'unusable', fault: 'no_spec' });
  }
  await snapshots.save(lists, payloadOf(manifest, 'identity'), 0);
  const loaded = await snapshots.load(lists);
  assert.equal(loaded.kind === 'found' && loaded.snapshot.payload.originForm.bytes.equals(manifest), true);
});

test('a file is never served with any byte changed', async (t) => {
  const { snapshots, path, bytes } = await createScene(t);
  const change = fc.record({ at: fc.nat(bytes.length - 1), by: fc.integer({ min: 1, max: 255 }) });
  const changed = async (changes: readonly { at: number; by: number }[]): Promise<void> => {
    const copy = Buffer.from(bytes);
    for (const { at, by } of changes) copy[at] = (copy[at] ?? 0) ^ by;
    fc.pre(!copy.equals(bytes));
    writeFileSync(path, copy);
    const { kind } = await snapshots.load(key);
    assert.equal(kind, 'unusable');
  };
  // One bit of each byte, so that none is left out, and whatever else may happen to a few of them.
  for (let at = 0; at < bytes.length; at += 1) await changed([{ at, by: 1 << (at % 8) }]);
  await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), changed), {
    numRuns: 200,
  });
});

test('a file whose pieces were put together anew is never served', async (t) => {
  const { snapshots, path, bytes } = await createScene(t);
  const piece = fc.tuple(fc.nat(bytes.length), fc.nat(bytes.length));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 4 }), async (pieces) => {
      const copy = Buffer.concat(pieces.map(([from, to]) => bytes.subarray(from, to)));
      fc.pre(!copy.equals(bytes));
      writeFileSync(path, copy);
      const { kind } = await snapshots.load(key);
      assert.equal(kind, 'unusable');
    }),
  );
});

test('a file of another program, of another layout, or with no line in it is of an unknown format', async (t) => {
  const scene = await createScene(t);
  const layout = scene.bytes.toString('latin1').replace('"layout":1', '"layout":0');
  for (const text of ['{"has_updates":true,"time":1}', layout, 'x'.repeat(5000), '\n', '\0']) {
    writeFileSync(scene.path, text, 'latin1');
    await assertSetAside(scene, 'unknown_format');
    rmSync(scene.place.pathOf(ASIDE));
  }
});

test('a header of ours that says what cannot be is torn, whatever its own hash', async (t) => {
  const scene = await createScene(t);
  const reading = readHeader(scene.bytes);
  assert.ok(reading.kind === 'header');
  const body = scene.bytes.subarray(reading.lineBytes);
  const lies = [
    { version: -1 },
    { version: 0.5 },
    { version: 2 ** 53 },
    { version: '5' },
    { version: null },
    { bytes: -1 },
    { identityBytes: {} },
    { encoding: 'zstd' },
    { format: 'xml' },
    { sha256: 'x' },
    { keyHash: ['x'] },
  ];
  for (const lie of lies) {
    const header = encodeHeader({ ...reading.header, ...(lie as object) });
    writeFileSync(scene.path, Buffer.concat([header, body]));
    await assertSetAside(scene, 'torn');
    rmSync(scene.place.pathOf(ASIDE));
  }
});

test("another key's file is not served under this key's name", async (t) => {
  const scene = await createScene(t);
  const strangers = [demo.keyOf(`${KEY}x`), DEMO.v1Json.keyOf(KEY), DEMO.protobuf.keyOf(KEY)];
  for (const stranger of strangers) {
    const name = snapshotName(stranger);
    await scene.snapshots.save(stranger, demo.payloadOf(TIME), 0);
    copyFileSync(scene.place.pathOf(name), scene.path);
    rmSync(scene.place.pathOf(name));
    await assertSetAside(scene, 'foreign_key');
    rmSync(scene.place.pathOf(ASIDE));
  }
});

test('a body beyond the limits is not read', async (t) => {
  const { place, bytes } = await createScene(t);
  const { originForm, identityBytes } = demo.payloadOf(TIME);
  const [encodedBytesMax, decodedBytesMax] = [originForm.bytes.length, identityBytes];
  const fitting = await place.open({ limits: { encodedBytesMax, decodedBytesMax } });
  assertHolds(await fitting.load(key), demo.payloadOf(TIME));
  const tooLarge = [
    { encodedBytesMax: encodedBytesMax - 1, decodedBytesMax },
    { encodedBytesMax, decodedBytesMax: decodedBytesMax - 1 },
  ];
  for (const limits of tooLarge) {
    const small = await place.open({ limits });
    writeFileSync(place.pathOf(NAME), bytes);
    assert.deepEqual(await small.load(key), { kind: 'unusable', fault: 'no_spec' });
    assert.deepEqual(place.names, [ASIDE]);
  }
});

test('what is no file at all is put aside as it is', async (t) => {
  // Opened in the usual way, a named pipe blocks until somebody writes into it.
  const commands = ['mkdir', 'ln -s /etc/hostname', 'ln -s /nowhere', 'mkfifo'];
  for (const command of commands) {
    const scene = await createScene(t);
    rmSync(scene.path);
    const [program = '', ...args] = command.split(' ');
    assert.equal(spawnSync(program, [...args, scene.path]).status, 0, command);
    await assertSetAside(scene, 'unknown_format');
    assert.ok(!lstatSync(scene.place.pathOf(ASIDE)).isFile());
  }
});

test('a link to a good file is not followed', async (t) => {
  const scene = await createScene(t);
  const elsewhere = scene.place.pathOf('../elsewhere');
  copyFileSync(scene.path, elsewhere);
  rmSync(scene.path);
  symlinkSync(elsewhere, scene.path);
  await assertSetAside(scene, 'unknown_format');
});

test('a save and a confirmation put aside what they find, and a removal removes it', async (t) => {
  const { place, snapshots, path } = await createScene(t);
  const lines = (): number => place.sink.withMessage(SET_ASIDE).length;
  writeFileSync(path, 'first');
  assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME), 0), { kind: 'stored' });
  assert.equal(readFileSync(place.pathOf(ASIDE), 'utf8'), 'first');
  assert.equal(lines(), 1);
  writeFileSync(path, 'second');
  await place.age(60_000);
  assert.deepEqual(await snapshots.confirm(key, TIME), { kind: 'behind' });
  assert.equal(readFileSync(place.pathOf(ASIDE), 'utf8'), 'second', 'the newest is kept');
  assert.equal(lines(), 2);
  writeFileSync(path, 'third');
  assert.deepEqual(await snapshots.remove(key), { kind: 'removed' });
  assert.deepEqual(place.names, [], 'what was put aside is gone with it');
  assert.equal(lines(), 2);
});

test('a folder in the place of a snapshot is put aside by a removal too', async (t) => {
  const { place, snapshots, path } = await createScene(t);
  rmSync(path);
  mkdirSync(path);
  assert.deepEqual(await snapshots.remove(key), { kind: 'unusable', fault: 'unknown_format' });
  assert.deepEqual(place.names, [ASIDE]);
  assert.deepEqual(await snapshots.remove(key), { kind: 'missing' });
  assert.deepEqual(place.names, [ASIDE], 'what is in a folder is not ours to delete');
});

test('what cannot be put aside is not served, and fails where it is in the way', async (t) => {
  const { place, snapshots, path } = await createScene(t);
  rmSync(path);
  mkdirSync(path);
  writeFileSync(place.pathOf(ASIDE), 'a folder cannot take the place of a file');
  assert.deepEqual(await snapshots.load(key), { kind: 'unusable', fault: 'unknown_format' });
  assert.deepEqual(await snapshots.save(key, demo.payloadOf(TIME), 0), {
    kind: 'failed',
    reason: 'disk_failed',
  });
  assert.equal(place.sink.withMessage(SET_ASIDE).length, 0);
  const line = place.sink.lines.find(({ msg }) => String(msg).startsWith('data folder fails'));
  assert.equal(line?.['detail'], 'ENOTDIR');
  assert.deepEqual(place.names, [NAME, ASIDE]);
});
