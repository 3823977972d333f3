// Deltas: the base and its delta are the whole spec, whatever the two are; what cannot be proved has none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createBaseReader,
  createDeltaMaker,
  NoDelta,
  type SpecConsumer,
} from '../../../../src/protocols/statsig/deltas/spec-delta.js';
import { delimited, message } from '../../../../src/protocols/statsig/spec-body/protobuf-writer.js';
import { applied, envelopesOf, specs, type Spec } from './spec-model.js';

const ENVELOPE_BYTES_MAX = 1_000_000;

function consume<Result>(bytes: Buffer, pieceBytes: number, consumer: SpecConsumer<Result>): Result {
  for (let at = 0; at < bytes.length; at += pieceBytes) consumer.push(bytes.subarray(at, at + pieceBytes));
  return consumer.end();
}

function deltaBetween(base: Buffer, result: Buffer, pieceBytes = 1_000): Buffer {
  const items = consume(base, pieceBytes, createBaseReader(ENVELOPE_BYTES_MAX));
  return consume(result, pieceBytes, createDeltaMaker(items, ENVELOPE_BYTES_MAX));
}

test('the base and its delta are the whole spec, for any two specs, in pieces of any size', () => {
  fc.assert(
    fc.property(specs, specs, fc.integer({ min: 1, max: 300 }), (base, result, pieceBytes) => {
      const delta = deltaBetween(envelopesOf(base), envelopesOf(result), pieceBytes);
      assert.deepEqual(applied(delta, base), result);
    }),
    { numRuns: 500 },
  );
});

test('a client that holds another spec with other items is told by the checksums', () => {
  const items = (name: string, checksum: number): Spec['items'] =>
    new Map([[`3 ${name}`, { checksum, data: 'x' }]]);
  const [base, other, result] = [
    { time: 1, topLevel: '', items: items('a', 1) },
    { time: 1, topLevel: '', items: items('b', 2) },
    { time: 2, topLevel: '', items: items('a', 1) },
  ];
  const delta = deltaBetween(envelopesOf(base), envelopesOf(result));
  assert.deepEqual(applied(delta, base), result);
  assert.throws(() => applied(delta, other));
});

test('what is not understood, or not proved by a checksum, has no delta', () => {
  const top = delimited(message([1, 2], [4, message([1, true], [2, 5])]));
  const gate = (checksum: string): Buffer => delimited(message([1, 3], [2, 'g'], [3, checksum], [4, 'x']));
  const done = delimited(message([1, 1]));
  const good = Buffer.concat([top, gate('5'), done]);
  assert.equal(deltaBetween(good, good).length > 0, true);
  const bad = {
    'an item without a checksum': [top, gate(''), done],
    'a checksum that is no number': [top, gate('5a'), done],
    'a checksum that SDKs would read otherwise': [top, gate('05'), done],
    'a checksum over 32 bits': [top, gate('4294967296'), done],
    'a kind of a later release': [top, delimited(message([1, 11], [2, 'new'], [3, '1'], [4, 'x'])), done],
    'an item without data': [top, delimited(message([1, 3], [2, 'g'], [3, '5'])), done],
    'one name twice': [top, gate('5'), gate('6'), done],
    'no TOP_LEVEL': [gate('5'), done],
    'two TOP_LEVELs': [top, top, done],
    'no DONE': [top, gate('5')],
    'what is a delta itself': [delimited(message([1, 10])), top, done],
  };
  for (const [name, envelopes] of Object.entries(bad)) {
    const bytes = Buffer.concat(envelopes);
    assert.throws(() => deltaBetween(bytes, good), NoDelta, name);
    assert.throws(() => deltaBetween(good, bytes), NoDelta, name);
  }
});
