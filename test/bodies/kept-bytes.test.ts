// The bytes of a body that comes in: whole and in order, in memory of their own, whatever length was announced.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptBytes } from '../../src/bodies/kept-bytes.js';

test('the bytes are those of the pieces in their order, in as much memory as they need, whatever was announced', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 20 });
  const announced = fc.oneof(
    fc.constant('the truth' as const),
    fc.constant(undefined),
    fc.integer({ min: 0, max: 1_000 }),
    fc.constant(1e12),
  );
  fc.assert(
    fc.property(pieces, announced, (added, said) => {
      const sent = Buffer.concat(added);
      const kept = new KeptBytes(said === 'the truth' ? sent.length : said, 1_000);
      for (const piece of added) {
        kept.add(piece);
        // Whoever brought it may use its memory again.
        if (said === 'the truth') piece.fill(0);
      }
      assert.equal(kept.bytes, sent.length);
      assert.ok(kept.whole().equals(sent));
      assert.equal(kept.whole().buffer.byteLength, sent.length);
    }),
  );
});
