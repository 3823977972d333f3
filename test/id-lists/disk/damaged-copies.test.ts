// What is found in the place of a copy and is not as it was written: never one wrong byte of it is given.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { encodeCheckpoint, readCheckpoint } from '../../../src/id-lists/disk/checkpoint.js';
import { checkpointFile, copyFile } from '../../../src/id-lists/disk/copy-names.js';
import { copyName, grow, listBytes, readAll } from '../../contracts/copy-bytes.js';
import { CopiesFolder } from './copies-folder.js';

const NAME = copyName('one');
const [COPY, CHECKPOINT] = [copyFile(NAME), checkpointFile(NAME)];
const BYTES = 40;
const LOST = 'copies of ID lists removed: they come from the origin again';

interface Scene {
  readonly folder: CopiesFolder;
  readonly copy: Buffer;
  readonly checkpoint: Buffer;
}

/** What a good copy is made of. */
async function createScene(t: TestContext): Promise<Scene> {
  const folder = new CopiesFolder(t);
  const { place } = await folder.open();
  await grow(await place.create(NAME), 1, BYTES);
  await place.close();
  const [copy, checkpoint] = [COPY, CHECKPOINT].map((file) => readFileSync(folder.pathOf(file)));
  return { folder, copy: copy ?? assert.fail(), checkpoint: checkpoint ?? assert.fail() };
}

/** How many bytes are taken over of these files; undefined where there is no copy. None of them is wrong. */
async function takenOver(
  { folder }: Scene,
  copy: Buffer,
  checkpoint: Buffer,
  what: string,
): Promise<number | undefined> {
  writeFileSync(folder.pathOf(COPY), copy);
  writeFileSync(folder.pathOf(CHECKPOINT), checkpoint);
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
  for (let bit = 0; bit < 8 * scene.copy.length; bit += 1) {
    const what = `bit ${bit}`;
    assert.equal(await takenOver(scene, turned(scene.copy, bit), scene.checkpoint, what), undefined, what);
  }
  const lines = scene.folder.sink.withMessage(LOST);
  assert.equal(lines.length, 8 * scene.copy.length);
  assert.ok(lines.every(({ damaged, unread, surplus }) => damaged === 1 && unread === 0 && surplus === 0));
});

test('a copy cut off anywhere is not taken over, and one that goes on is cut', async (t) => {
  const scene = await createScene(t);
  for (let bytes = 0; bytes < scene.copy.length; bytes += 1) {
    const what = `${bytes} bytes`;
    const cut = scene.copy.subarray(0, bytes);
    assert.equal(await takenOver(scene, cut, scene.checkpoint, what), undefined, what);
  }
  const longer = Buffer.concat([scene.copy, Buffer.from('what was written last')]);
  assert.equal(await takenOver(scene, longer, scene.checkpoint, 'longer'), BYTES);
});

test('a checkpoint with any bit turned, or cut off anywhere, brings no wrong byte back', async (t) => {
  const scene = await createScene(t);
  const { copy, checkpoint } = scene;
  // In the time of use, one digit is as good as another.
  const timeAt = checkpoint.indexOf('usedAtMs');
  for (let bit = 0; bit < 8 * checkpoint.length; bit += 1) {
    const found = await takenOver(scene, copy, turned(checkpoint, bit), `bit ${bit}`);
    if (bit < 8 * timeAt) assert.equal(found, undefined, `bit ${bit}`);
  }
  for (let bytes = 0; bytes < checkpoint.length - 2; bytes += 1) {
    const cut = checkpoint.subarray(0, bytes);
    assert.equal(await takenOver(scene, copy, cut, `${bytes} bytes`), undefined, `${bytes} bytes`);
  }
});

test('whatever two files there are, what is taken over of them is right', async (t) => {
  const scene = await createScene(t);
  const { copy, checkpoint } = scene;
  const mixed = (bytes: Buffer): fc.Arbitrary<Buffer> => {
    const part = fc.tuple(fc.nat(bytes.length), fc.nat(bytes.length));
    const parts = fc.array(part, { maxLength: 3 });
    return fc.oneof(
      fc.constant(bytes),
      parts.map((all) => Buffer.concat(all.map(([from, to]) => bytes.subarray(from, to)))),
      fc.uint8Array({ maxLength: 300 }).map((any) => Buffer.from(any)),
    );
  };
  await fc.assert(
    fc.asyncProperty(mixed(copy), mixed(checkpoint), async (someCopy, someCheckpoint) => {
      await takenOver(scene, someCopy, someCheckpoint, 'mixed');
    }),
    { numRuns: 200 },
  );
});

test('the files of a copy under the name of another are not its own', async (t) => {
  const { folder } = await createScene(t);
  const other = copyName('other');
  copyFileSync(folder.pathOf(COPY), folder.pathOf(copyFile(other)));
  copyFileSync(folder.pathOf(CHECKPOINT), folder.pathOf(checkpointFile(other)));
  const { left } = await folder.open();
  assert.deepEqual([...left.keys()], [NAME]);
});

test('the checkpoint of a copy that was replaced is not that of the new one', async (t) => {
  const { folder, copy, checkpoint } = await createScene(t);
  const { place } = await folder.open();
  const next = await place.create(NAME);
  await next.append(listBytes(2, 0, copy.length + 10));
  const left = new CopiesFolder(t);
  mkdirSync(left.path, { mode: 0o700 });
  for (const file of folder.names) copyFileSync(folder.pathOf(file), left.pathOf(file));
  assert.ok(readFileSync(left.pathOf(CHECKPOINT)).equals(checkpoint), 'the one of before');
  assert.equal((await left.open()).left.size, 0);
});

test('a checkpoint is read as it was written, and nothing else is one', () => {
  const count = fc.maxSafeNat();
  const sha256 = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((hash) => Buffer.from(hash).toString('hex'));
  fc.assert(
    fc.property(count, sha256, count, (bytes, hash, usedAtMs) => {
      const checkpoint = { bytes, sha256: hash, usedAtMs };
      assert.deepEqual(readCheckpoint(encodeCheckpoint(checkpoint).toString()), checkpoint);
    }),
  );
  const good = { layout: 1, bytes: 1, sha256: 'a'.repeat(64), usedAtMs: 1 };
  assert.ok(readCheckpoint(JSON.stringify(good)) !== undefined);
  const lies = [
    { layout: 2 },
    { bytes: -1 },
    { bytes: 0.5 },
    { bytes: '1' },
    { bytes: 2 ** 53 },
    { sha256: 'a' },
    { sha256: 'A'.repeat(64) },
    { sha256: 1 },
    { usedAtMs: null },
    { usedAtMs: -1 },
  ];
  for (const lie of lies) assert.equal(readCheckpoint(JSON.stringify({ ...good, ...lie })), undefined);
  for (const text of ['', 'null', '1', '[]', '{', '"x"']) assert.equal(readCheckpoint(text), undefined);
});

function turned(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(bit / 8);
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}
