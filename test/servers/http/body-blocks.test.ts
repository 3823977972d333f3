// A body copied into blocks: nothing is lost or mixed up, and blocks are never much larger than what is in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyBlocks } from '../../../src/servers/http/body-blocks.js';

const KIB = 1024;

const pieces = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.nat({ max: 70_000 }).map((bytes) => Buffer.alloc(bytes, String(bytes))),
  ),
  { maxLength: 60 },
);

test('whatever pieces come, the body is what came, and what is held was foretold and is bounded', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (parts, isAnnounced) => {
      const whole = Buffer.concat(parts);
      const bytesMax = isAnnounced ? whole.length : whole.length + 10_000_000;
      const blocks = new BodyBlocks(bytesMax);
      for (const part of parts) {
        const before = blocks.heldBytes;
        const growth = blocks.growthFor(part.length);
        blocks.add(Buffer.from(part));
        assert.equal(blocks.heldBytes, before + growth);
        assert.ok(blocks.heldBytes >= blocks.bytes);
        assert.ok(
          blocks.heldBytes <= Math.min(bytesMax, Math.max(KIB, 2 * blocks.bytes, blocks.bytes + 64 * KIB)),
        );
      }
      assert.equal(blocks.bytes, whole.length);
      assert.ok((await blocks.join()).equals(whole));
      blocks.clear();
      assert.deepEqual([blocks.heldBytes, blocks.bytes], [0, 0]);
    }),
  );
});

test('a body holds no memory but its own', async () => {
  for (const bytes of [1, 300, KIB, 5 * KIB, 3_000_000]) {
    const blocks = new BodyBlocks(20_000_000);
    for (let added = 0; added < bytes; added += 10_000)
      blocks.add(Buffer.alloc(Math.min(10_000, bytes - added), 'x'));
    const body = await blocks.join();
    assert.equal(body.length, bytes);
    assert.equal(body.buffer.byteLength, bytes);
  }
});
