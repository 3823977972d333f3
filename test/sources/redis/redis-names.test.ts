// Names in Redis: those that SDKs' adapters ask for, and none from which an SDK key could be read.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PayloadApi, PayloadKey, SpecFormat } from '../../../src/domain/payload-key.js';
import { isValidSdkKey } from '../../../src/domain/sdk-key.js';
import { RedisNames } from '../../../src/sources/redis/redis-names.js';
import type { RedisKeySchema } from '../../../src/sources/redis/redis-options.js';

const SDK_KEY = 'secret-probekey0123456789abcdef';
/** What a core SDK and a legacy SDK asked their data stores for, with the key above. */
const BASE64 = 'vnrHbL7+OgiGB+aXZtb70Jr4icm/Pnf4KUPGy4V6IgY=';
const HEX = createHash('sha256').update(SDK_KEY).digest('hex');

function keyOf(sdkKey: string, api: PayloadApi = 'v1', format: SpecFormat = 'json'): PayloadKey {
  return { sdkKey, api, format };
}

function names(keySchema: RedisKeySchema, doubleWriteLegacyKey = false): RedisNames {
  return new RedisNames({ keySchema, doubleWriteLegacyKey });
}

test('entries have the names that SDKs ask for by default', () => {
  const of = (api: PayloadApi, format: SpecFormat): string =>
    names('sha256').of(keyOf(SDK_KEY, api, format)).entry;
  assert.equal(of('v1', 'json'), `statsig|/v1/download_config_specs|plain_text|${BASE64}`);
  assert.equal(of('v2', 'json'), `statsig|/v2/download_config_specs|plain_text|${BASE64}`);
  assert.equal(of('id_lists', 'json'), `statsig|/v1/get_id_lists|plain_text|${BASE64}`);
  assert.equal(of('v2', 'protobuf'), `statsig|/v2/download_config_specs|statsig-br|${BASE64}`);
});

test('the prefix schema has the first 20 characters, and leaves open whose the entry is', () => {
  const { entry, isShared, owner } = names('prefix').of(keyOf(SDK_KEY, 'v2'));
  assert.equal(entry, 'statsig|/v2/download_config_specs|plain_text|secret-probekey01234');
  assert.equal(isShared, true);
  assert.equal(owner, HEX);
  assert.equal(names('sha256').of(keyOf(SDK_KEY)).isShared, false);
});

test('a key that is no longer than its prefix is hashed under either schema', () => {
  const short = 'secret-0123456789abc';
  assert.equal(short.length, 20);
  assert.deepEqual(names('prefix').of(keyOf(short)), names('sha256').of(keyOf(short)));
});

test('only v1 JSON has a mirror, and only where it is asked for', () => {
  const mirrored = names('sha256', true);
  assert.equal(mirrored.of(keyOf(SDK_KEY)).mirror, `statsig::${HEX}`);
  assert.equal(names('prefix', true).of(keyOf(SDK_KEY)).mirror, `statsig::${HEX}`);
  assert.equal(mirrored.of(keyOf(SDK_KEY, 'v2')).mirror, undefined);
  assert.equal(mirrored.of(keyOf(SDK_KEY, 'id_lists')).mirror, undefined);
  assert.equal(mirrored.of(keyOf(SDK_KEY, 'v1', 'protobuf')).mirror, undefined);
  assert.equal(names('sha256').of(keyOf(SDK_KEY)).mirror, undefined);
});

test('no name holds a whole SDK key', () => {
  const character = fc.constantFrom('a', 'b', 'X', 'Y', '0', '9', '-', '_', '.', '~');
  const sdkKey = fc.string({ unit: character, minLength: 8, maxLength: 60 }).filter(isValidSdkKey);
  fc.assert(
    fc.property(
      sdkKey,
      fc.constantFrom<RedisKeySchema>('sha256', 'prefix'),
      fc.constantFrom<PayloadApi>('v1', 'v2', 'id_lists'),
      (key, schema, api) => {
        const { entry, mirror, owner } = names(schema, true).of(keyOf(key, api));
        assert.ok(![entry, mirror ?? '', owner].some((name) => name.includes(key)));
      },
    ),
  );
});
