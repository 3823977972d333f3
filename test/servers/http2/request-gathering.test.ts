// A request reaches its reader in one piece, however it was cut; where it is too large, nothing of it is kept.
import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { gatherRequest } from '../../../src/servers/http2/request-gathering.js';

const BYTES_MAX = 700;

/** A stream that nothing was pushed to yet. */
class Arriving extends Duplex {
  override _read(): void {
    // What arrives is pushed by hand.
  }
}

async function read(pieces: readonly Buffer[]): Promise<{ got: Buffer[]; ended: number; tooLarge: number }> {
  const stream = new Arriving();
  const got: Buffer[] = [];
  const counts = { ended: 0, tooLarge: 0 };
  gatherRequest(stream as unknown as ServerHttp2Stream, BYTES_MAX, {
    ended: () => (counts.ended += 1),
    tooLarge: () => (counts.tooLarge += 1),
  });
  stream.on('data', (piece: Buffer) => got.push(piece));
  for (const piece of pieces) {
    stream.push(piece);
    piece.fill(0xff);
  }
  const ended = new Promise((resolve) => stream.once('end', resolve));
  stream.push(null);
  await ended;
  return { got, ...counts };
}

test('any request within the limit, cut anywhere, comes in one piece with the same bytes', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(pieces, async (arrays) => {
      const whole = Buffer.concat(arrays);
      const { got, ended, tooLarge } = await read(arrays.map((array) => Buffer.from(array)));
      assert.equal(ended, 1);
      if (whole.length > BYTES_MAX) {
        assert.equal(tooLarge, 1);
        return;
      }
      assert.equal(tooLarge, 0);
      assert.deepEqual(got, whole.length === 0 ? [] : [whole]);
    }),
  );
});

test('one byte more than the limit is too many, and then nothing is handed on', async () => {
  const largest = await read([Buffer.alloc(BYTES_MAX - 1), Buffer.alloc(1)]);
  assert.deepEqual([largest.got.length, largest.tooLarge], [1, 0]);
  const tooLarge = await read([Buffer.alloc(BYTES_MAX), Buffer.alloc(1), Buffer.alloc(1)]);
  assert.deepEqual(tooLarge, { got: [], ended: 1, tooLarge: 1 });
});
