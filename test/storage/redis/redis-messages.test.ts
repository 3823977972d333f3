// Messages between replicas: what is sent is understood, and what anybody else sends is nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import {
  readMessage,
  resignedMessage,
  storedMessage,
  toEntryName,
} from '../../../src/storage/redis/redis-messages.js';
import { SPEC_V1, SPEC_V2 } from '../../../src/protocols/statsig/resource-kinds.js';

const SDK_KEY = 'secret-probekey0123456789abcdef';
const KEYS: readonly PayloadKey[] = [
  { sdkKey: SDK_KEY, kind: SPEC_V1, format: 'json' },
  { sdkKey: SDK_KEY, kind: SPEC_V2, format: 'json' },
  { sdkKey: SDK_KEY, kind: SPEC_V2, format: 'protobuf' },
];

test('a stored version is told under the name that its payload has on every replica', () => {
  for (const key of KEYS) {
    const text = storedMessage(key, 2 ** 53 - 1, 'a:1');
    assert.ok(!text.includes(SDK_KEY));
    assert.deepEqual(readMessage(text), {
      kind: 'stored',
      entryName: toEntryName(key),
      version: 2 ** 53 - 1,
      by: 'a:1',
    });
  }
  assert.equal(new Set(KEYS.map(toEntryName)).size, KEYS.length);
});

test('a resignation is told with the name of who resigns', () => {
  assert.deepEqual(readMessage(resignedMessage('a:1')), { kind: 'resigned', by: 'a:1' });
});

test('a message with anything else in it is none', () => {
  const good = JSON.parse(
    storedMessage({ sdkKey: SDK_KEY, kind: SPEC_V1, format: 'json' }, 1, 'a'),
  ) as object;
  const spoilt: object[] = [
    { keyHash: 'A'.repeat(64) },
    { keyHash: 7 },
    { path: 3 },
    { path: undefined },
    { encoding: 'gzip' },
    { version: 1.5 },
    { version: -1 },
    { version: 2 ** 53 },
    { version: '1' },
    { by: 7 },
  ];
  for (const fault of spoilt) assert.equal(readMessage(JSON.stringify({ ...good, ...fault })), undefined);
  for (const text of ['', 'null', '7', '[]', '{', '{}', '{"resigned":7}', JSON.stringify('x')]) {
    assert.equal(readMessage(text), undefined, text);
  }
  assert.equal(readMessage(JSON.stringify({ resigned: 'x'.repeat(10_000) })), undefined, 'too long');
});

test('no text breaks the reader', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const message = readMessage(text);
      assert.ok(message === undefined || typeof message.by === 'string');
    }),
  );
});
