// Copies in a folder: all that every place promises, what outlives the process, and in which order.
import assert from 'node:assert/strict';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import type { CopyBytes } from '../../../src/id-lists/copy-place.js';
import { encodeCheckpoint, startHash } from '../../../src/id-lists/disk/checkpoint.js';
import { checkpointFile, copyFile, temporaryFile } from '../../../src/id-lists/disk/copy-names.js';
import { COPIES_MAX } from '../../../src/id-lists/disk/copy-recovery.js';
import { copyName, grow, listBytes, readAll } from '../../contracts/copy-bytes.js';
import { copyPlaceContract } from '../../contracts/copy-place-contract.js';
import { eventually } from '../../e2e/deadline.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { CHECKPOINT_MS, CopiesFolder } from './copies-folder.js';

const [NAME, OTHER, THIRD] = [copyName('one'), copyName('other'), copyName('third')];

copyPlaceContract('a folder', (t) => {
  const folder = new CopiesFolder(t);
  return { isDurable: true, start: () => folder.start() };
});

/** As a good one would be left. */
function leave(folder: CopiesFolder, name: string, list: number, bytes: number, usedAtMs: number): void {
  const body = listBytes(list, 0, bytes);
  const sha256 = startHash(name).update(body).digest('hex');
  writeFileSync(folder.pathOf(copyFile(name)), body);
  writeFileSync(folder.pathOf(checkpointFile(name)), encodeCheckpoint({ bytes, sha256, usedAtMs }));
}

function hasCheckpointOf(folder: CopiesFolder, name: string, bytes: number): boolean {
  if (!folder.names.includes(checkpointFile(name))) return false;
  const text = readFileSync(folder.pathOf(checkpointFile(name)), 'utf8');
  return (JSON.parse(text) as { bytes: number }).bytes === bytes;
}

test('nobody else can read what is stored', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  await grow(await place.create(NAME), 1, 10);
  await place.close();
  assert.equal(statSync(folder.path).mode & 0o777, 0o700);
  for (const name of folder.names) assert.equal(statSync(folder.pathOf(name)).mode & 0o777, 0o600);
  assert.deepEqual(folder.names, [copyFile(NAME), checkpointFile(NAME)].sort());
});

test('the order of use outlives the process', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  for (const name of [NAME, OTHER, THIRD]) {
    await grow(await place.create(name), 1, 10);
    folder.clock.advance(60_000);
    await eventually('checkpoint', () => hasCheckpointOf(folder, name, 10));
  }
  const textOf = (name: string): string => readFileSync(folder.pathOf(checkpointFile(name)), 'utf8');
  const before = textOf(OTHER);
  place.used(OTHER);
  folder.clock.advance(CHECKPOINT_MS);
  await eventually('newer time of use', () => textOf(OTHER) !== before);
  await place.close();
  assert.deepEqual([...(await folder.open()).left.keys()], [OTHER, THIRD, NAME]);
});

test('however often a copy is used, its time of use is written once a minute at most', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const renames = (): number => troubled.order.filter((operation) => operation === 'rename').length;
  await grow(await place.create(NAME), 1, 10);
  folder.clock.advance(CHECKPOINT_MS);
  await eventually('checkpoint', () => hasCheckpointOf(folder, NAME, 10));
  await eventually('end of the write', () => renames() === 2);
  for (let second = 0; second < 55; second += 1) {
    place.used(NAME);
    folder.clock.advance(1000);
  }
  assert.equal(folder.clock.scheduled, 0, 'nothing is to be written');
  // It is a minute old by now, counted from when the copy was made.
  for (let use = 0; use < 10; use += 1) place.used(NAME);
  assert.equal(folder.clock.scheduled, 1);
  folder.clock.advance(CHECKPOINT_MS);
  await eventually('write', () => renames() === 3);
});

test('a process that ends without a word leaves what its copies had a few seconds before', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const copy = await place.create(NAME);
  await grow(copy, 1, 100_000);
  folder.clock.advance(CHECKPOINT_MS);
  await eventually('checkpoint', () => hasCheckpointOf(folder, NAME, 100_000));
  await grow(copy, 1, 150_005);
  await grow(await place.create(OTHER), 2, 10);
  const left = new CopiesFolder(t);
  mkdirSync(left.path, { mode: 0o700 });
  for (const name of folder.names) writeFileSync(left.pathOf(name), readFileSync(folder.pathOf(name)));
  const next = await left.open();
  assert.deepEqual([...next.left.keys()], [NAME], 'the other one has no checkpoint yet');
  const found = next.left.get(NAME) ?? assert.fail();
  assert.equal(found.length, 100_000);
  assert.equal(statSync(left.pathOf(copyFile(NAME))).size, 100_000, 'the rest is cut off');
  await grow(found, 1, 200_000);
  assert.ok((await readAll(found)).equals(listBytes(1, 0, 200_000)));
  await eventually('removal of the other', () => !left.names.includes(copyFile(OTHER)));
  assert.deepEqual(left.messages, []);
});

test('a copy has a checkpoint after 32 MiB, however fast it grows', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const copy = await place.create(NAME);
  const bytes = 8 * 1024 * 1024;
  for (let piece = 0; piece < 4; piece += 1) await copy.append(Buffer.alloc(bytes, '+'));
  await eventually('checkpoint', () => hasCheckpointOf(folder, NAME, 4 * bytes));
});

test('of more copies than there may be, those used last are taken over, and the others removed', async (t) => {
  const folder = new CopiesFolder(t);
  mkdirSync(folder.path, { mode: 0o700 });
  const names = Array.from({ length: COPIES_MAX + 3 }, (_none, index) => copyName(String(index)));
  for (const [index, name] of names.entries())
    leave(folder, name, 1, 10, 1000 + ((index * 7) % names.length));
  const { left } = await folder.open();
  assert.equal(left.size, COPIES_MAX);
  const surplus = names.filter((_name, index) => (index * 7) % names.length < 3);
  assert.deepEqual(
    surplus.map((name) => left.has(name)),
    [false, false, false],
  );
  await eventually('removal', () => folder.names.length === 2 * COPIES_MAX);
  const [line] = folder.sink.withMessage('copies of ID lists removed: they come from the origin again');
  assert.deepEqual([line?.['surplus'], line?.['damaged'], line?.['unread']], [3, 0, 0]);
});

test('what was left half done is removed, and files of others are not', async (t) => {
  const folder = new CopiesFolder(t);
  mkdirSync(folder.path, { mode: 0o700 });
  leave(folder, NAME, 1, 10, 1);
  const ours = [
    copyFile(OTHER),
    checkpointFile(THIRD),
    temporaryFile(copyFile(copyName('fourth'))),
    temporaryFile(checkpointFile(copyName('fourth'))),
  ];
  const others = ['README', 'short.list', `${NAME}.list.bak`, `x${NAME}.list`, `${NAME}.tmp`];
  for (const file of [...ours, ...others]) writeFileSync(folder.pathOf(file), file);
  mkdirSync(folder.pathOf(copyFile(copyName('folder'))));
  const kept = [...others, copyFile(NAME), checkpointFile(NAME), copyFile(copyName('folder'))].sort();
  const { left } = await folder.open();
  assert.deepEqual([...left.keys()], [NAME]);
  await eventually('removal', () => folder.names.length === kept.length);
  assert.deepEqual(folder.names, kept);
});

test('a link in the place of a copy, or of its checkpoint, is not followed, and removed', async (t) => {
  const folder = new CopiesFolder(t);
  mkdirSync(folder.path, { mode: 0o700 });
  for (const file of [copyFile(NAME), checkpointFile(NAME)]) {
    leave(folder, NAME, 1, 10, 1);
    const elsewhere = folder.pathOf('../elsewhere');
    renameSync(folder.pathOf(file), elsewhere);
    const bytes = readFileSync(elsewhere);
    symlinkSync(elsewhere, folder.pathOf(file));
    const { place, left } = await folder.open();
    assert.equal(left.size, 0, file);
    await eventually('removal', () => folder.names.length === 0);
    assert.ok(readFileSync(elsewhere).equals(bytes));
    await place.close();
  }
});

test('a link in the place of what is written is not written through', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  writeFileSync(folder.pathOf('../elsewhere'), 'theirs');
  symlinkSync('../elsewhere', folder.pathOf(temporaryFile(copyFile(NAME))));
  await assert.rejects(place.create(NAME), { code: 'ELOOP' });
  assert.equal(readFileSync(folder.pathOf('../elsewhere'), 'utf8'), 'theirs');
});

test('a name that could lead out of the folder is none', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  for (const name of ['', 'short', `../${NAME.slice(3)}`, `${NAME}x`, NAME.replace(/./, '/')]) {
    await assert.rejects(place.create(name), /no name/);
  }
});

test('bytes that a copy does not have cannot be asked for', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const copy = await place.create(NAME);
  await grow(copy, 1, 10);
  for (const [from, to] of [
    [0, 11],
    [-1, 5],
    [6, 5],
    [NaN, 5],
  ] as const) {
    assert.throws(() => copy.read(from, to), RangeError);
  }
});

test('a file that others made shorter fails, and is never filled with zeros', async (t) => {
  const folder = new CopiesFolder(t);
  const first = await folder.open();
  await grow(await first.place.create(NAME), 1, 1000);
  await first.place.close();
  const { left } = await folder.open();
  const copy = left.get(NAME) ?? assert.fail();
  truncateSync(folder.pathOf(copyFile(NAME)), 500);
  await assert.rejects(copy.append(Buffer.from('+12345678\n')), /shorter than it was/);
  await assert.rejects(readAll(copy), /shorter than it was/);
  assert.equal(copy.length, 1000);
});

test('more copies may grow at one time than files are held open', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const copies: CopyBytes[] = [];
  for (let list = 0; list < 40; list += 1) copies.push(await place.create(copyName(String(list))));
  await Promise.all(copies.map((copy, list) => grow(copy, list, 5000, 500)));
  for (const [list, copy] of copies.entries()) {
    assert.ok((await readAll(copy)).equals(listBytes(list, 0, 5000)));
  }
  assert.equal(troubled.openHandles, 16);
  await place.close();
  assert.equal(troubled.openHandles, 0);
});

test('files are closed when a reading ends, is given up, or was never begun', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const copy = await place.create(NAME);
  await grow(copy, 1, 200_000);
  const held = troubled.openHandles;
  await readAll(copy);
  assert.equal(troubled.openHandles, held);
  for await (const piece of copy.read(0, 200_000)) {
    assert.ok(piece.length > 0);
    assert.equal(troubled.openHandles, held + 1);
    break;
  }
  assert.equal(troubled.openHandles, held);
  const never = copy.read(0, 10);
  await eventually('open file', () => troubled.openHandles === held + 1);
  folder.clock.advance(10_000);
  await eventually('closed file', () => troubled.openHandles === held);
  await assert.rejects(async () => {
    for await (const piece of never) assert.fail(String(piece));
  }, /the reading has ended/);
});

test('a copy that was removed cannot be grown or read', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const copy = await place.create(NAME);
  await grow(copy, 1, 10);
  await copy.remove();
  await assert.rejects(copy.append(Buffer.from('x')), /removed/);
  await assert.rejects(readAll(copy), /removed/);
  assert.deepEqual(folder.names, []);
  folder.clock.advance(CHECKPOINT_MS);
  await grow(await place.create(NAME), 2, 10);
  assert.deepEqual(folder.names, [copyFile(NAME)]);
});

test('a place that was closed does nothing more', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const copy = await place.create(NAME);
  await grow(copy, 1, 10);
  await place.close();
  const before = folder.names;
  await assert.rejects(copy.append(Buffer.from('x')), /closed/);
  await assert.rejects(readAll(copy), /closed/);
  await assert.rejects(place.create(OTHER), /closed/);
  await copy.remove();
  await place.close();
  assert.deepEqual(folder.names, before);
  assert.deepEqual(folder.messages, []);
});
