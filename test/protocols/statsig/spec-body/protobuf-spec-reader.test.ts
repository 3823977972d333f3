// Protobuf specs: the facts of a full one, and that deltas and damaged framing are seen, however the bytes are cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { demoEnvelopes, demoV2, envelope } from '../../../../scripts/demo-specs.js';
import { delimited, message } from '../../../../src/protocols/statsig/spec-body/protobuf-writer.js';
import { createProtobufSpecReader } from '../../../../src/protocols/statsig/spec-body/protobuf-spec-reader.js';
import { BodyFault } from '../../../../src/domain/body-reader.js';
import type { SpecFacts } from '../../../../src/protocols/statsig/spec-body/spec-facts.js';

const PROJECT = { time: 1_750_000_000_000, isGateOpen: true, greeting: 'hello', fillerGates: 20 };
const TOP_LEVEL = envelope(2, 'TOP_LEVEL', message([1, true], [2, PROJECT.time]));
const DONE = envelope(1, 'DONE', Buffer.alloc(0));

function read(bytes: Buffer, pieceBytes = bytes.length): SpecFacts {
  const reader = createProtobufSpecReader({ envelopeBytesMax: 1_000_000 });
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  return reader.end();
}

function reasonOf(bytes: Buffer): string {
  try {
    read(bytes);
  } catch (error) {
    assert.ok(error instanceof BodyFault);
    return error.reason;
  }
  return 'none';
}

test('a full spec is read the same in pieces of any size', () => {
  const bytes = demoEnvelopes(PROJECT);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: bytes.length }), (pieceBytes) => {
      assert.deepEqual(read(bytes, pieceBytes), {
        hasUpdates: true,
        time: PROJECT.time,
        checksum: (demoV2(PROJECT) as { checksum: string }).checksum,
        isDelta: false,
        namedValues: [],
      });
    }),
  );
});

test('the envelopes of deltas are recognised', () => {
  for (const kind of [8, 9, 10]) {
    const bytes = Buffer.concat([TOP_LEVEL, envelope(kind, 'X', Buffer.from('x')), DONE]);
    assert.equal(read(bytes).isDelta, true, `kind ${kind}`);
  }
});

test('an item without data means "keep yours", which only a delta says', () => {
  for (const kind of [3, 4, 5, 6, 7]) {
    assert.equal(
      read(Buffer.concat([TOP_LEVEL, envelope(kind, 'gate'), DONE])).isDelta,
      true,
      `kind ${kind}`,
    );
  }
});

test('kinds this version does not know are passed over', () => {
  assert.equal(read(Buffer.concat([TOP_LEVEL, envelope(99, 'new', Buffer.from('x')), DONE])).isDelta, false);
});

test('what follows DONE is ignored, as SDKs do', () => {
  assert.deepEqual(read(Buffer.concat([TOP_LEVEL, DONE, Buffer.from('anything')])).time, PROJECT.time);
});

test('fields that proto3 leaves out have their defaults', () => {
  const empty = envelope(2, 'TOP_LEVEL', Buffer.alloc(0));
  assert.deepEqual(read(Buffer.concat([empty, DONE])), {
    hasUpdates: false,
    time: 0,
    checksum: undefined,
    isDelta: false,
    namedValues: [],
  });
});

test('a checksum that no header could say is none', () => {
  for (const text of ['', 'a b', 'é', 'x\n', '1'.repeat(129)]) {
    const top = envelope(2, 'TOP_LEVEL', message([1, true], [2, 1], [5, text]));
    assert.equal(read(Buffer.concat([top, DONE])).checksum, undefined, text);
  }
});

test('a body cut short is truncated', () => {
  const bytes = demoEnvelopes(PROJECT);
  assert.equal(reasonOf(bytes.subarray(0, bytes.length - 5)), 'truncated');
  assert.equal(reasonOf(TOP_LEVEL), 'truncated');
  assert.equal(reasonOf(Buffer.alloc(0)), 'truncated');
});

test('what is no framing is refused with its reason', () => {
  assert.equal(reasonOf(DONE), 'not_protobuf');
  assert.equal(reasonOf(Buffer.concat([envelope(0, 'X'), DONE])), 'not_protobuf');
  assert.equal(
    reasonOf(Buffer.from(`{"has_updates":true,"time":1750000000000}${' '.repeat(200)}`)),
    'not_protobuf',
  );
  assert.equal(reasonOf(Buffer.alloc(12, 0xff)), 'not_protobuf');
  assert.equal(reasonOf(delimited(Buffer.from([0x0a, 0x7f, 0x01]))), 'not_protobuf');
  assert.equal(
    reasonOf(Buffer.concat([envelope(2, 'TOP_LEVEL', Buffer.from([0x08])), DONE])),
    'not_protobuf',
  );
});

test('no bytes at all make it fail in any other way', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (bytes, pieceBytes) => {
      try {
        read(Buffer.from(bytes), pieceBytes);
      } catch (error) {
        assert.ok(error instanceof BodyFault, String(error));
      }
    }),
    { numRuns: 5_000 },
  );
});

test('an envelope longer than the limit is refused before it is waited for', () => {
  const reader = createProtobufSpecReader({ envelopeBytesMax: 100 });
  assert.throws(() => {
    reader.push(delimited(Buffer.alloc(101)).subarray(0, 3));
  }, /101 bytes/);
});
