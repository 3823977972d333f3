// Copies in a folder: all that every place promises, what outlives the process, and in which order.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import type { CopyBytes } from '../../../../../src/protocols/statsig/id-lists/copy-place.js';
import {
  copyFile,
  encodeHeader,
  startHash,
} from '../../../../../src/protocols/statsig/id-lists/disk/copy-file.js';
import { COPIES_MAX } from '../../../../../src/protocols/statsig/id-lists/disk/copy-recovery.js';
import { copyName, grow, listBytes, readAll } from '../../../../contracts/copy-bytes.js';
import { copyPlaceContract } from '../../../../contracts/copy-place-contract.js';
import { eventually } from '../../../../e2e/deadline.js';
import { TroubledFiles } from '../../../../fakes/troubled-files.js';
import { CopiesFolder } from './copies-folder.js';

const LOST = 'copies of ID lists removed: they come from the origin again';
const [NAME, OTHER, THIRD] = [copyName('one'), copyName('other'), copyName('third')];

copyPlaceContract('a folder', (t) => {
  const folder = new CopiesFolder(t);
  return { isDurable: true, start: () => folder.start() };
});

/** As a good one would be left. */
function leave(folder: CopiesFolder, name: string, list: number, bytes: number, writtenAtS = 1): void {
  const body = listBytes(list, 0, bytes);
  const path = folder.pathOf(copyFile(name));
  writeFileSync(path, Buffer.concat([encodeHeader(bytes, startHash(name).update(body)), body]));
  utimesSync(path, writtenAtS, writtenAtS);
}

test('nobody else can read what is stored', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  await grow(await place.create(NAME), 1, 10);
  await place.close();
  assert.equal(statSync(folder.path).mode & 0o777, 0o700);
  for (const name of folder.names) assert.equal(statSync(folder.pathOf(name)).mode & 0o777, 0o600);
  assert.deepEqual(folder.names, [copyFile(NAME)]);
});

test('the order in which copies grew outlives the process', async (t) => {
  const folder = new CopiesFolder(t);
  mkdirSync(folder.path, { mode: 0o700 });
  leave(folder, NAME, 1, 10, 3);
  leave(folder, OTHER, 1, 10, 1);
  leave(folder, THIRD, 1, 10, 2);
  const { place, left } = await folder.open();
  assert.deepEqual([...left.keys()], [NAME, THIRD, OTHER]);
  await grow(left.get(OTHER) ?? assert.fail(), 1, 20);
  await place.close();
  assert.deepEqual([...(await folder.open()).left.keys()], [OTHER, NAME, THIRD]);
});

test('a process that ends without a word leaves all that was appended', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  await grow(await place.create(NAME), 1, 150_005);
  await place.create(OTHER);
  const left = new CopiesFolder(t);
  mkdirSync(left.path, { mode: 0o700 });
  for (const name of folder.names) writeFileSync(left.pathOf(name), readFileSync(folder.pathOf(name)));
  // What was being appended.
  appendFileSync(left.pathOf(copyFile(NAME)), listBytes(2, 0, 500));
  const next = await left.open();
  assert.equal(next.left.get(OTHER)?.length, 0);
  const found = next.left.get(NAME) ?? assert.fail();
  assert.ok((await readAll(found)).equals(listBytes(1, 0, 150_005)));
  await grow(found, 1, 200_000);
  assert.ok((await readAll(found)).equals(listBytes(1, 0, 200_000)));
  assert.deepEqual(left.messages, []);
});

test('pieces of any size are kept at the speed of the disk', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const copy = await place.create(NAME);
  await copy.append(listBytes(1, 0, 3_000_000));
  for (let at = 3_000_000; at < 3_003_000; at += 7)
    await copy.append(listBytes(1, at, Math.min(at + 7, 3_003_000)));
  assert.ok((await readAll(copy)).equals(listBytes(1, 0, 3_003_000)));
});

test('of more copies than there may be, those that grew last are taken over, and the others removed', async (t) => {
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
  await eventually('removal', () => folder.names.length === COPIES_MAX);
  const [line] = folder.sink.withMessage(LOST);
  assert.deepEqual([line?.['surplus'], line?.['damaged'], line?.['unread']], [3, 0, 0]);
});

test('what was left half done is removed, and files of others are not', async (t) => {
  const folder = new CopiesFolder(t);
  mkdirSync(folder.path, { mode: 0o700 });
  leave(folder, NAME, 1, 10, 1);
  const ours = [copyFile(OTHER), copyFile(THIRD)];
  const others = ['README', 'short.list', `${NAME}.list.bak`, `x${NAME}.list`, `${NAME}.tmp`];
  for (const file of [...ours, ...others]) writeFileSync(folder.pathOf(file), file);
  mkdirSync(folder.pathOf(copyFile(copyName('folder'))));
  const kept = [...others, copyFile(NAME), copyFile(copyName('folder'))].sort();
  const { left } = await folder.open();
  assert.deepEqual([...left.keys()], [NAME]);
  await eventually('removal', () => folder.names.length === kept.length);
  assert.deepEqual(folder.names, kept);
});

test('a link or a pipe in the place of a copy is not followed or waited for, and removed', async (t) => {
  const folder = new CopiesFolder(t);
  mkdirSync(folder.path, { mode: 0o700 });
  leave(folder, NAME, 1, 10);
  const elsewhere = folder.pathOf('../elsewhere');
  renameSync(folder.pathOf(copyFile(NAME)), elsewhere);
  const bytes = readFileSync(elsewhere);
  symlinkSync(elsewhere, folder.pathOf(copyFile(NAME)));
  execFileSync('mkfifo', [folder.pathOf(copyFile(OTHER))]);
  const { left } = await folder.open();
  assert.equal(left.size, 0);
  await eventually('removal', () => folder.names.length === 0);
  assert.ok(readFileSync(elsewhere).equals(bytes));
  assert.deepEqual(folder.messages, [LOST]);
});

test('a link in the place of what is written is not written through', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  const elsewhere = folder.pathOf('../elsewhere');
  writeFileSync(elsewhere, 'theirs');
  symlinkSync(elsewhere, folder.pathOf(copyFile(NAME)));
  const copy = await place.create(NAME);
  await grow(copy, 1, 10);
  unlinkSync(folder.pathOf(copyFile(NAME)));
  symlinkSync(elsewhere, folder.pathOf(copyFile(NAME)));
  await assert.rejects(grow(copy, 1, 20), { code: 'ELOOP' });
  assert.equal(readFileSync(elsewhere, 'utf8'), 'theirs');
});

test('a name that could lead out of the folder is none', async (t) => {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  for (const name of ['', 'short', `../${NAME.slice(3)}`, `${NAME}x`, NAME.replace(/./, '/')]) {
    await assert.rejects(place.create(name), /not a name/);
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

test('many copies grow at one time, and none that is not written or read holds a file open', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const copies: CopyBytes[] = [];
  for (let list = 0; list < 40; list += 1) copies.push(await place.create(copyName(String(list))));
  await Promise.all(copies.map((copy, list) => grow(copy, list, 5000, 500)));
  for (const [list, copy] of copies.entries()) {
    assert.ok((await readAll(copy)).equals(listBytes(list, 0, 5000)));
  }
  assert.equal(troubled.openHandles, 0);
  const [copy = assert.fail()] = copies;
  await grow(copy, 0, 200_000);
  for await (const piece of copy.read(0, 200_000)) {
    assert.ok(piece.length > 0);
    assert.equal(troubled.openHandles, 0);
  }
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
