// What is found in the place of a copy and is not as it was written: never one wrong byte of it is given.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  copyFile,
  encodeHeader,
  HEADER_BYTES,
  readHeader,
  startHash,
} from '../../../../../src/protocols/statsig/id-lists/disk/copy-file.js';
import { copyName, grow, listBytes, readAll } from '../../../../contracts/copy-bytes.js';
import { CopiesFolder } from './copies-folder.js';

const NAME = copyName('one');
const COPY = copyFile(NAME);
const BYTES = 40;
const LOST = 'copies of ID lists removed: they come from the origin again';

interface Scene {
  readonly folder: CopiesFolder;
  /** What a good copy is made of. */
  readonly file: Buffer;
}

async function createScene(t: TestContext): Promise<Scene> {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  await grow(await place.create(NAME), 1, BYTES);
  await place.close();
  return { folder, file: readFileSync(folder.pathOf(COPY)) };
}

/** How many bytes are taken over of this file; undefined where there is no copy. None of them is wrong. */
async function takenOver({ folder }: Scene, file: Buffer, what: string): Promise<number | undefined> {
  writeFileSync(folder.pathOf(COPY), file);
  const { place, left } = await folder.open();
  const found = left.get(NAME);
  const bytes = found?.length;
  if (found !== undefined) {
    assert.ok((await readAll(found)).equals(listBytes(1, 0, found.length)), what);
    await grow(found, 1, found.length + 30);
    assert.ok((await readAll(found)).equals(listBytes(1, 0, found.length)), what);
  }
  await place.close();
  if (found === undefined) assert.deepEqual(folder.names, [], what);
  return bytes;
}

test('a copy with any bit turned is not taken over', async (t) => {
  const scene = await createScene(t);
  const text = scene.file.toString('latin1', 0, HEADER_BYTES).trimEnd();
  let damages = 0;
  for (let bit = 0; bit < 8 * scene.file.length; bit += 1) {
    const at = Math.floor(bit / 8);
    const file = Buffer.from(scene.file);
    file[at] = (file[at] ?? 0) ^ (1 << (bit % 8));
    const found = await takenOver(scene, file, `bit ${bit}`);
    // Of the white space after the header some other white space is as good.
    const isPadding = at >= text.length && at < HEADER_BYTES;
    if (!isPadding) assert.equal(found, undefined, `bit ${bit}`);
    if (found === undefined) damages += 1;
  }
  const lines = scene.folder.sink.withMessage(LOST);
  assert.equal(lines.length, damages);
  assert.ok(lines.every(({ damaged, unread, surplus }) => damaged === 1 && unread === 0 && surplus === 0));
});

test('a copy cut off anywhere is not taken over, and of one that goes on the rest does not count', async (t) => {
  const scene = await createScene(t);
  for (let bytes = 0; bytes < scene.file.length; bytes += 1) {
    const cut = scene.file.subarray(0, bytes);
    assert.equal(await takenOver(scene, cut, `${bytes} bytes`), undefined, `${bytes} bytes`);
  }
  const longer = Buffer.concat([scene.file, Buffer.from('what was written last')]);
  assert.equal(await takenOver(scene, longer, 'longer'), BYTES);
});

test('whatever file there is, what is taken over of it is right', async (t) => {
  const scene = await createScene(t);
  const { file } = scene;
  const part = fc.tuple(fc.nat(file.length), fc.nat(file.length));
  const parts = fc.array(part, { maxLength: 3 });
  const any = fc.oneof(
    parts.map((all) => Buffer.concat(all.map(([from, to]) => file.subarray(from, to)))),
    parts.map((all) =>
      Buffer.concat([file.subarray(0, HEADER_BYTES), ...all.map(([from, to]) => file.subarray(from, to))]),
    ),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(any, async (some) => {
      await takenOver(scene, some, 'mixed');
    }),
    { numRuns: 200 },
  );
});

test('the file of a copy under the name of another is not its own', async (t) => {
  const { folder } = await createScene(t);
  copyFileSync(folder.pathOf(COPY), folder.pathOf(copyFile(copyName('other'))));
  const { left } = await folder.open();
  assert.deepEqual([...left.keys()], [NAME]);
});

test('a header is read as it was written, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.string(), (bytes, text) => {
      const hash = startHash(NAME).update(text);
      const header = encodeHeader(bytes, hash);
      assert.equal(header.length, HEADER_BYTES);
      assert.deepEqual(readHeader(header.toString()), { bytes, sha256: hash.digest('hex') });
    }),
  );
  const good = { layout: 2, bytes: 1, sha256: 'a'.repeat(64) };
  const read = (value: unknown): unknown => readHeader(JSON.stringify(value).padEnd(HEADER_BYTES));
  assert.ok(read(good) !== undefined);
  const lies = [
    { layout: 1 },
    { bytes: -1 },
    { bytes: 0.5 },
    { bytes: '1' },
    { bytes: 2 ** 53 },
    { sha256: 'a' },
    { sha256: 'A'.repeat(64) },
    { sha256: 1 },
  ];
  for (const lie of lies) assert.equal(read({ ...good, ...lie }), undefined);
  for (const text of ['', 'null', '1', '[]', '{', '"x"']) {
    assert.equal(readHeader(text), undefined);
    assert.equal(readHeader(text.padEnd(HEADER_BYTES)), undefined);
  }
});
