// SFP's list of keys to fetch at a start: what it pins, what is left out and why; no text of it ever stops a start or shows a key.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/config/load-config.js';
import type { Loaded } from '../../src/config/load-settings.js';
import { PINNED_PAYLOADS } from '../../src/config/pinned-payload-names.js';
import { readWarmUp } from '../../src/config/warm-up.js';
import { isValidSdkKey } from '../../src/domain/sdk-key.js';
import { loadLine } from './loading.js';

const KEY = 'secret-warm0123456789';
const V1 = '/v1/download_config_specs';
const V2 = '/v2/download_config_specs';
const LISTS = '/v1/get_id_lists';

function load(env: Readonly<Record<string, string>>): Loaded<Config> {
  return loadLine(['http', 'disabled'], { env });
}

function payloads(entries: readonly unknown[]): Record<string, readonly string[]> {
  const { payloads: read, faults } = readWarmUp(JSON.stringify(entries));
  assert.deepEqual(faults, []);
  return Object.fromEntries(read);
}

for (const [path, encodings, expected] of [
  [V1, undefined, ['v1']],
  [`${V1}/`, ['gzip', 'statsig-br'], ['v1']],
  [V2, undefined, ['v2', 'v2-protobuf']],
  [V2, ['statsig-br', 'gzip'], ['v2', 'v2-protobuf']],
  [`${V2}/`, [' Statsig_BR'], ['v2', 'v2-protobuf']],
  [V2, ['gzip', 'no such encoding'], ['v2']],
  [LISTS, ['gzip'], ['id-lists']],
] as const) {
  test(`${path} with ${encodings?.join() ?? 'no encodings'} pins ${expected.join()}`, () => {
    assert.deepEqual(payloads([{ sdk_key: ` ${KEY}\n`, path, encodings, more: 1 }]), { [KEY]: expected });
  });
}

test('entries of one key add up, whatever their order', () => {
  const entries = [LISTS, V2, V1, V2].map((path) => ({ sdk_key: KEY, path }));
  const other = { sdk_key: 'client-other', path: V1 };
  assert.deepEqual(payloads([...entries, other]), {
    [KEY]: ['v1', 'v2', 'v2-protobuf', 'id-lists'],
    'client-other': ['v1'],
  });
});

test('a bad entry is left out and told by its place, and the rest stays', () => {
  const good = { sdk_key: 'server-good', path: V1 };
  const noKey = 'its sdk_key is not an SDK key that begins with client-, server- or secret-';
  const noEncodings = 'its encodings are not a list of names with at least one in it';
  const noPath = 'its path is not /v1/download_config_specs, /v2/download_config_specs or /v1/get_id_lists';
  const bad: readonly (readonly [unknown, string])[] = [
    [null, 'it is not an object'],
    [KEY, 'it is not an object'],
    [{ path: V1 }, noKey],
    [{ sdk_key: 'warm0123456789', path: V1 }, noKey],
    [{ sdk_key: 'secret-a/b', path: V1 }, noKey],
    [{ sdk_key: KEY, path: `${V1}//` }, noPath],
    [{ sdk_key: KEY, path: '/v2/get_id_lists' }, noPath],
    [{ sdk_key: KEY, path: V1, encodings: [] }, noEncodings],
    [{ sdk_key: KEY, path: V1, encodings: 'gzip' }, noEncodings],
    [{ sdk_key: KEY, path: V1, encodings: ['gzip', 1] }, noEncodings],
  ];
  const { payloads: read, faults } = readWarmUp(JSON.stringify([...bad.map(([entry]) => entry), good]));
  assert.deepEqual([...read.keys()], ['server-good']);
  assert.deepEqual(
    faults,
    bad.map(([, fault], index) => `entry ${index + 1} of 11 is ignored: ${fault}`),
  );
});

test('of many bad entries the first are told, and how many more there are', () => {
  const { faults } = readWarmUp(JSON.stringify(Array.from({ length: 500 }, () => 1)));
  assert.equal(faults.length, 11);
  assert.equal(faults.at(-1), '490 more entries of 500 are ignored');
});

test('the keys are pinned beside the others; bad JSON is told without its text', () => {
  const json = JSON.stringify([{ sdk_key: KEY, path: V1 }, 1]);
  const loaded = load({ SFP_SDK_KEYS: 'secret-listed', sfp_startup_warmup_keys_json: json });
  if (loaded.kind !== 'loaded') assert.fail(loaded.faults.join());
  assert.deepEqual([...loaded.config.pinnedSdkKeys], ['secret-listed', KEY]);
  assert.deepEqual([...loaded.config.warmUpPayloads], [[KEY, ['v1']]]);
  const source = '--startup-warmup-keys-json (SFP_STARTUP_WARMUP_KEYS_JSON)';
  assert.deepEqual(loaded.notices, [`${source}: entry 2 of 2 is ignored: it is not an object`]);
  for (const text of [`[{"sdk_key":"${KEY}"`, '{}', 'null', `"${KEY}"`]) {
    const broken = load({ SFP_STARTUP_WARMUP_KEYS_JSON: text });
    assert.deepEqual(broken.kind === 'loaded' && broken.notices, [
      `${source}: is ignored: it is not a JSON array`,
    ]);
  }
  const empty = load({ SFP_STARTUP_WARMUP_KEYS_JSON: ' ' });
  assert.deepEqual(empty.kind === 'loaded' && empty.notices, []);
});

test('more keys than there may be are refused, as of every list', () => {
  const entries = [1, 2].map((index) => ({ sdk_key: `secret-${index}`, path: V1 }));
  const loaded = load({
    SFP_STARTUP_WARMUP_KEYS_JSON: JSON.stringify(entries),
    SFP_MAXIMUM_CONCURRENT_SDK_KEYS: '1',
  });
  assert.match(loaded.kind === 'faults' ? loaded.faults.join() : '', /2 SDK keys are pinned, more than/);
});

/** Only what is valid is pinned, and no fault repeats anything of the text. */
function check(text: string): void {
  const { payloads: read, faults } = readWarmUp(text);
  for (const [sdkKey, names] of read) {
    assert.ok(isValidSdkKey(sdkKey) && /^(?:client|server|secret)-/.test(sdkKey));
    assert.ok(names.length > 0 && names.every((name) => PINNED_PAYLOADS.includes(name)));
    assert.equal(new Set(names).size, names.length);
  }
  assert.ok(faults.length <= 11);
  for (const fault of faults) {
    assert.match(
      fault,
      /^(?:is ignored: it is not a JSON array|entry \d+ of \d+ is ignored: it(?:s| is) [\w ,/-]+|\d+ more entries of \d+ are ignored)$/,
    );
  }
}

test('any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      check(Buffer.from(bytes).toString('latin1'));
      check(Buffer.from(bytes).toString('utf8'));
    }),
  );
});

test('any JSON, and anything that is nearly an entry', () => {
  const nearlyPath = fc.oneof(fc.constantFrom(V1, V2, LISTS, `${V2}/`), fc.string());
  const nearlyKey = fc.oneof(
    fc
      .tuple(fc.constantFrom('secret-', 'server-', 'client-', ''), fc.string())
      .map((parts) => parts.join('')),
    fc.constantFrom(KEY, ` ${KEY} `, '__proto__', 'secret-'),
  );
  const encodings = fc.oneof(
    fc.array(fc.oneof(fc.constantFrom('statsig-br', 'gzip'), fc.jsonValue())),
    fc.jsonValue(),
  );
  const entry = fc.record(
    {
      sdk_key: fc.oneof(nearlyKey, fc.jsonValue()),
      path: fc.oneof(nearlyPath, fc.jsonValue()),
      encodings,
      ['__proto__']: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.array(fc.oneof(entry, fc.jsonValue())), fc.jsonValue()), (value) => {
      const text = JSON.stringify(value);
      check(text);
      check(text.slice(0, -1));
    }),
  );
});
