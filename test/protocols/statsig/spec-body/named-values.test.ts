// Values that specs name: found in JSON and in protobuf, wherever the body is cut, and nothing else taken for one.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { demoEnvelopes, demoV2, envelope } from '../../../../scripts/demo-specs.js';
import { message } from '../../../../src/protocols/statsig/spec-body/protobuf-writer.js';
import type { NamedValue } from '../../../../src/domain/named-value.js';
import { createSpecReader } from '../../../../src/protocols/statsig/spec-body/spec-reader.js';
import { NAMED_VALUES_MAX } from '../../../../src/protocols/statsig/spec-body/value-names.js';

const PROJECT = { time: 1_750_000_000_000, isGateOpen: true, greeting: 'hello' };
const DONE = envelope(1, 'DONE', Buffer.alloc(0));

function named(index: number, byteLength = 1000 + index): NamedValue {
  return { sha256: createHash('sha256').update(String(index)).digest('hex'), byteLength };
}

function metadata({ sha256, byteLength }: NamedValue): object {
  return { sha256, byteLength, contentType: 'application/json', compression: 'none' };
}

/** A spec as JSON, with a config for each member. */
function jsonSpec(configs: Readonly<Record<string, object>>, indent = 0): Buffer {
  const text = JSON.stringify({ ...demoV2(PROJECT), dynamic_configs: configs }, undefined, indent);
  return Buffer.from(text);
}

function namesIn(body: Buffer, format: 'json' | 'protobuf', pieceBytes = body.length): readonly NamedValue[] {
  const reader = createSpecReader(format, 1 << 24);
  for (let at = 0; at < body.length; at += pieceBytes) reader.push(body.subarray(at, at + pieceBytes));
  return reader.end().namedValues;
}

function topLevel(...more: readonly (readonly [number, boolean])[]): Buffer {
  return envelope(2, 'TOP_LEVEL', message([1, true], [2, PROJECT.time], ...more));
}

function wire({ sha256, byteLength }: NamedValue): Buffer {
  return message([1, sha256], [2, byteLength], [3, 'application/json'], [4, 'none']);
}

function configEnvelope(ofConfig: NamedValue | undefined, ...ofRules: readonly NamedValue[]): Buffer {
  const rules = ofRules.map((value) => [7, message([1, 'rule'], [14, wire(value)])] as const);
  const own = ofConfig === undefined ? [] : [[16, wire(ofConfig)] as const];
  return envelope(4, 'config', message([1, 'salt'], [2, true], ...rules, ...own));
}

test('JSON specs name values in their configs, flat or one level deeper, and in rules, however they are cut', () => {
  const body = jsonSpec(
    {
      flat: { defaultValue: '/v1/x', remoteConfigMetadata: metadata(named(1)) },
      deeper: { remoteConfigMetadata: { defaultValue: metadata(named(2)) } },
      rules: { rules: [{ remoteConfigMetadata: metadata(named(3)) }, { name: 'x' }] },
      again: { remoteConfigMetadata: metadata(named(1)) },
    },
    2,
  );
  const expected = [named(1), named(2), named(3)];
  assert.deepEqual(namesIn(body, 'json'), expected);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: body.length }), (pieceBytes) => {
      assert.deepEqual(namesIn(body, 'json', pieceBytes), expected);
    }),
  );
});

test('names are found in large pieces too, where a member begins in one and ends in the next', () => {
  const values = Array.from({ length: 60 }, (_none, index) => named(index));
  const configs = values.map((value, index) => [
    `config_${index}`,
    { idType: 'x'.repeat(700), remoteConfigMetadata: metadata(value) },
  ]);
  const body = jsonSpec(Object.fromEntries(configs) as Record<string, object>, 2);
  fc.assert(
    fc.property(fc.integer({ min: 4_097, max: 12_000 }), (pieceBytes) => {
      assert.deepEqual(namesIn(body, 'json', pieceBytes), values);
    }),
  );
});

test('names are found beside others that are nearly the same, however they are cut', () => {
  const near = fc.array(
    fc.constantFrom(
      'Metadat',
      'Metadata',
      'remoteConfigMetadat',
      'remoteConfigMetadata',
      'ConfigMetadata',
      'M',
      'e',
    ),
    { maxLength: 4 },
  );
  const members = fc.dictionary(
    near.map((parts) => parts.join('')),
    fc.constantFrom('Metadat', 'remoteConfigMetadata', metadata(named(1)), metadata(named(2))),
  );
  fc.assert(
    fc.property(
      fc.array(members, { maxLength: 6 }),
      fc.integer({ min: 1, max: 6_000 }),
      (configs, pieceBytes) => {
        const expected = configs.flatMap(({ remoteConfigMetadata: value }) =>
          value === undefined || typeof value === 'string' ? [] : [(value as NamedValue).sha256],
        );
        const found = namesIn(jsonSpec(Object.fromEntries(configs.entries())), 'json', pieceBytes);
        assert.deepEqual(
          found.map(({ sha256 }) => sha256),
          [...new Set(expected)],
        );
      },
    ),
  );
});

test('a member that names no value is passed over', () => {
  const good = named(1);
  const odd = [
    'text',
    7,
    null,
    [metadata(good)],
    {},
    { ...metadata(good), sha256: good.sha256.toUpperCase() },
    { ...metadata(good), sha256: good.sha256.slice(1) },
    { ...metadata(good), sha256: `../${good.sha256.slice(3)}` },
    { ...metadata(good), byteLength: -1 },
    { ...metadata(good), byteLength: '10' },
    { ...metadata(good), comment: 'x'.repeat(5_000) },
    { defaultValue: 'text' },
  ];
  const configs = odd.map((remoteConfigMetadata, index) => [`odd_${index}`, { remoteConfigMetadata }]);
  assert.deepEqual(namesIn(jsonSpec(Object.fromEntries(configs) as Record<string, object>), 'json'), []);
  const text = JSON.stringify({ remoteConfigMetadata: metadata(good) });
  assert.deepEqual(namesIn(jsonSpec({ quoted: { defaultValue: { text } } }), 'json'), []);
});

test('any bytes at all are read without an error of ours', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '"remoteConfigMetadata"',
      ':',
      '{',
      '}',
      '"sha256"',
      `"${named(1).sha256}"`,
      ' ',
      '"',
      '\\',
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (pieces, pieceBytes) => {
      const text = JSON.stringify(pieces.join(''));
      assert.deepEqual(namesIn(jsonSpec({ config: { text } }), 'json', pieceBytes), []);
    }),
  );
});

test('protobuf specs name values in their configs and in rules, however they are cut', () => {
  const envelopes = [
    topLevel([8, true]),
    configEnvelope(named(1), named(2), named(3)),
    configEnvelope(named(2)),
  ];
  const body = Buffer.concat([...envelopes, DONE]);
  const expected = [named(2), named(3), named(1)];
  fc.assert(
    fc.property(fc.integer({ min: 1, max: body.length }), (pieceBytes) => {
      assert.deepEqual(namesIn(body, 'protobuf', pieceBytes), expected);
    }),
  );
});

test('a protobuf spec that says so names none; one that does not say is looked into', () => {
  const config = configEnvelope(named(1));
  assert.deepEqual(namesIn(Buffer.concat([topLevel([8, false]), config, DONE]), 'protobuf'), []);
  assert.deepEqual(namesIn(Buffer.concat([topLevel(), config, DONE]), 'protobuf'), [named(1)]);
});

test('a malformed config of a protobuf spec names nothing, and the spec is taken as before', () => {
  const malformed = envelope(4, 'config', Buffer.from([0x82, 0x01, 0x7f, 0x01]));
  assert.deepEqual(namesIn(Buffer.concat([topLevel([8, true]), malformed, DONE]), 'protobuf'), []);
  assert.deepEqual(namesIn(demoEnvelopes(PROJECT), 'protobuf'), []);
});

test('no more than the bound and one are gathered', () => {
  const configs = Array.from({ length: NAMED_VALUES_MAX + 50 }, (_none, index) => {
    return [`config_${index}`, { remoteConfigMetadata: metadata(named(index)) }] as const;
  });
  assert.equal(namesIn(jsonSpec(Object.fromEntries(configs)), 'json').length, NAMED_VALUES_MAX + 1);
});
