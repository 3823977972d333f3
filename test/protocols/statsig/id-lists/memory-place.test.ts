// Copies in memory: bytes that were given out stay right, whatever becomes of their copy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { readAll } from './file-scene.js';

const PIECE_BYTES_MAX = 65_536;

function numbered(bytes: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (from + at) % 251);
}

test('what was appended in pieces of any size is read from anywhere to anywhere', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(150_000)), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (pieces, one, other) => {
      const copy = await new MemoryPlace().create();
      for (const bytes of pieces) await copy.append(numbered(bytes, copy.length));
      const [from, to] = [one, other].map((at) => at % (copy.length + 1)).sort((a, b) => a - b) as [
        number,
        number,
      ];
      assert.equal(
        copy.length,
        pieces.reduce((sum, bytes) => sum + bytes, 0),
      );
      assert.ok(Buffer.from(numbered(to - from, from)).equals(await readAll(copy.read(from, to))));
    }),
    { numRuns: 60 },
  );
});

test('a reader gets what it asked for, though the copy grows and is removed meanwhile', async () => {
  const copy = await new MemoryPlace().create();
  await copy.append(numbered(200_000));
  const reader = copy.read(1_000, 200_000)[Symbol.asyncIterator]();
  const notBegun = copy.read(0, 200_000);
  const pieces: Uint8Array[] = [];
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
    assert.ok(next.value.length <= PIECE_BYTES_MAX);
    pieces.push(next.value);
    if (pieces.length === 1) await copy.append(numbered(100_000));
    if (pieces.length === 2) await copy.remove();
  }
  assert.ok(Buffer.concat(pieces).equals(numbered(199_000, 1_000)));
  assert.ok((await readAll(notBegun)).equals(numbered(200_000)));
  assert.equal(copy.length, 0);
});

test('a copy takes little more memory than its bytes, however it grew', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(70_000)), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, async (pieces) => {
      const copy = await new MemoryPlace().create();
      for (const bytes of pieces) await copy.append(numbered(bytes));
      let bytes = 0;
      for await (const piece of copy.read(0, copy.length)) bytes += piece.buffer.byteLength;
      assert.ok(bytes <= copy.length * 1.125 + 256, `${bytes} for ${copy.length}`);
    }),
  );
});

test('a piece may be written over once it was appended', async () => {
  const copy = await new MemoryPlace().create();
  const piece = numbered(100);
  await copy.append(piece);
  piece.fill(0);
  assert.ok((await readAll(copy.read(0, 100))).equals(numbered(100)));
});

test('there is nothing beyond the end, and nothing left of an earlier process', async () => {
  const place = new MemoryPlace();
  assert.equal((await place.open()).size, 0);
  const copy = await place.create();
  await copy.append(numbered(10));
  await assert.rejects(readAll(copy.read(0, 100_000)));
  await place.close();
});
