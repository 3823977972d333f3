// Names in Redis: those that SDKs' adapters ask for, and none from which an SDK key could be read.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import type { PayloadFormat, ResourceKind } from '../../../src/domain/resource-kind.js';
import { ID_LISTS, RESOURCE_KINDS, SPEC_V1, SPEC_V2 } from '../../../src/protocols/statsig/resource-kinds.js';
import { valueKey } from '../../../src/protocols/statsig/remote-values/value-kind.js';
import { isValidSdkKey } from '../../../src/domain/sdk-key.js';
import { RedisNames, toNamePrefix } from '../../../src/storage/redis/redis-names.js';
import type { RedisKeySchema } from '../../../src/storage/redis/redis-options.js';

const SDK_KEY = 'secret-probekey0123456789abcdef';
/** What a core SDK and a legacy SDK asked their data stores for, with the key above. */
const BASE64 = 'vnrHbL7+OgiGB+aXZtb70Jr4icm/Pnf4KUPGy4V6IgY=';
const HEX = createHash('sha256').update(SDK_KEY).digest('hex');

function keyOf(sdkKey: string, kind = SPEC_V1, format: PayloadFormat = 'json'): PayloadKey {
  return { sdkKey, kind, format };
}

function names(keySchema: RedisKeySchema, doubleWriteLegacyKey = false, keyPrefix = ''): RedisNames {
  return new RedisNames({ keyPrefix, keySchema, doubleWriteLegacyKey });
}

test('entries have the names that SDKs ask for by default', () => {
  const of = (kind: ResourceKind, format: PayloadFormat): string =>
    names('sha256').of(keyOf(SDK_KEY, kind, format)).entry;
  assert.equal(of(SPEC_V1, 'json'), `statsig|/v1/download_config_specs|plain_text|${BASE64}`);
  assert.equal(of(SPEC_V2, 'json'), `statsig|/v2/download_config_specs|plain_text|${BASE64}`);
  assert.equal(of(ID_LISTS, 'json'), `statsig|/v1/get_id_lists|plain_text|${BASE64}`);
  assert.equal(of(SPEC_V2, 'protobuf'), `statsig|/v2/download_config_specs|statsig-br|${BASE64}`);
});

test('the prefix schema has the first 20 characters, and leaves open whose the entry is', () => {
  const { entry, isShared, owner } = names('prefix').of(keyOf(SDK_KEY, SPEC_V2));
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
  assert.equal(mirrored.of(keyOf(SDK_KEY, SPEC_V2)).mirror, undefined);
  assert.equal(mirrored.of(keyOf(SDK_KEY, ID_LISTS)).mirror, undefined);
  assert.equal(mirrored.of(keyOf(SDK_KEY, SPEC_V1, 'protobuf')).mirror, undefined);
  assert.equal(names('sha256').of(keyOf(SDK_KEY)).mirror, undefined);
});

test('a prefix stands in front of every name, with one colon between', () => {
  for (const prefix of ['team', 'team:', ' team\n', '\tteam: ']) {
    const prefixed = names('sha256', true, prefix);
    const { entry, mirror, owner } = prefixed.of(keyOf(SDK_KEY));
    assert.equal(entry, `team:statsig|/v1/download_config_specs|plain_text|${BASE64}`);
    assert.equal(mirror, `team:statsig::${HEX}`);
    assert.equal(owner, HEX);
    assert.equal(prefixed.lease, 'team:statsig_forward_proxy::leader');
    assert.equal(prefixed.channel, 'team:spec-forward-proxy::updates');
  }
  for (const blank of ['', ' ', '\u0085\u2003\n']) {
    assert.equal(names('sha256', false, blank).lease, 'statsig_forward_proxy::leader');
  }
  assert.equal(names('sha256', false, ':').lease, ':statsig_forward_proxy::leader');
});

test('any prefix: no space around it, one colon more than it has none, and the rest as it is', () => {
  const space = fc.constantFrom(' ', '\t', '\n', '\r', '\u0085', '\u00a0', '\u2003', '\u3000');
  const around = fc.array(space, { maxLength: 3 }).map((each) => each.join(''));
  const inner = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .filter((text) => !/^\p{White_Space}|\p{White_Space}$/u.test(text));
  fc.assert(
    fc.property(around, inner, around, (before, text, after) => {
      const prefix = toNamePrefix(before + text + after);
      assert.equal(prefix, text.endsWith(':') ? text : `${text}:`);
      assert.equal(toNamePrefix(prefix), prefix, 'what is normal stays as it is');
    }),
  );
  fc.assert(fc.property(around, (blank) => toNamePrefix(blank) === ''));
});

test('a remote value has one name under every schema, and none that values share', () => {
  const sha256 = createHash('sha256').update('value').digest('hex');
  const name = createHash('sha256').update(sha256).digest('base64');
  for (const schema of ['sha256', 'prefix'] as const) {
    const { entry, isShared, mirror } = names(schema, true).of(valueKey(sha256));
    assert.equal(entry, `statsig|/v1/dynamic_config_value|plain_text|${name}`);
    assert.equal(isShared, false);
    assert.equal(mirror, undefined);
  }
});

test('no name holds a whole SDK key', () => {
  const character = fc.constantFrom('a', 'b', 'X', 'Y', '0', '9', '-', '_', '.', '~');
  const sdkKey = fc.string({ unit: character, minLength: 8, maxLength: 60 }).filter(isValidSdkKey);
  fc.assert(
    fc.property(
      sdkKey,
      fc.constantFrom<RedisKeySchema>('sha256', 'prefix'),
      fc.constantFrom(...RESOURCE_KINDS),
      (key, schema, kind) => {
        const { entry, mirror, owner } = names(schema, true).of(keyOf(key, kind));
        assert.ok(![entry, mirror ?? '', owner].some((name) => name.includes(key)));
      },
    ),
  );
});
