// Which texts are SDK keys, and that a masked one never shows what makes it a secret.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  hashSdkKey,
  isValidKeyName,
  isValidSdkKey,
  maskSdkKey,
  maskSdkKeysIn,
  nameSdkKeys,
} from '../../src/domain/sdk-key.js';

const VALID_CHARACTERS = Array.from('ABCXYZabcxyz0189-_.~');
const validKey = fc
  .array(fc.constantFrom(...VALID_CHARACTERS), { minLength: 1, maxLength: 256 })
  .map((characters) => characters.join(''))
  .filter((text) => text !== '.' && text !== '..');

test('a key of allowed characters is valid up to 256 of them', () => {
  assert.ok(isValidSdkKey('a'.repeat(256)));
  assert.ok(!isValidSdkKey('a'.repeat(257)));
  assert.ok(!isValidSdkKey(''));
});

test('dots that a path would understand are no keys', () => {
  assert.ok(!isValidSdkKey('.'));
  assert.ok(!isValidSdkKey('..'));
  assert.ok(isValidSdkKey('...'));
});

test('any key that is accepted stays one segment of a URL path, unchanged', () => {
  fc.assert(
    fc.property(fc.oneof(validKey, fc.string({ unit: 'binary', maxLength: 300 })), (text) => {
      if (!isValidSdkKey(text)) return;
      const url = new URL(`http://origin/v1/download_config_specs/${text}.json?x=1`);
      assert.equal(url.pathname, `/v1/download_config_specs/${text}.json`);
    }),
  );
});

test('every text of allowed characters is accepted, and none with another', () => {
  fc.assert(
    fc.property(validKey, (key) => {
      assert.ok(isValidSdkKey(key));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (text) => {
      if (/[^A-Za-z0-9\-_.~]/u.test(text)) assert.ok(!isValidSdkKey(text));
    }),
  );
});

test('a masked key shows its kind and four characters', () => {
  assert.equal(maskSdkKey('secret-abcdefghijklmnop'), 'secret-abcd***');
  assert.equal(maskSdkKey('client-abcdefghijklmnop'), 'client-abcd***');
});

test('of a short key nothing is shown but its kind', () => {
  assert.equal(maskSdkKey('secret-abc'), 'secret-***');
  assert.equal(maskSdkKey('x'), '***');
});

test('a masked key never gives away more than four characters', () => {
  fc.assert(
    fc.property(validKey, (key) => {
      const shown = maskSdkKey(key)
        .replace(/^(?:secret|client|server)-/, '')
        .replace(/\*\*\*$/, '');
      assert.ok(shown.length <= 4);
    }),
  );
});

test('the hash of a key is its sha256, in hex', () => {
  // The three letters are the first example of FIPS 180-2.
  assert.equal(hashSdkKey('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.notEqual(hashSdkKey('ABC'), hashSdkKey('abc'));
});

test('keys inside a text are masked, the text around them is not', () => {
  assert.equal(
    maskSdkKeysIn('GET http://o/v1/secret-abcdefghijklmnop.json?x failed'),
    'GET http://o/v1/secret-abcd***?x failed',
  );
});

test('a key that has a name is shown by it, alone and in texts, until the names are replaced', (t) => {
  t.after(() => {
    nameSdkKeys(new Map());
  });
  const key = 'secret-abcdefghijklmnop';
  nameSdkKeys(new Map([[key, 'checkout']]));
  assert.equal(maskSdkKey(key), 'checkout');
  assert.equal(maskSdkKey('secret-bcdefghijklmnop'), 'secret-bcde***');
  assert.equal(maskSdkKeysIn(`GET /v1/${key} and ${key}x`), 'GET /v1/checkout and secret-abcd***');
  assert.equal(maskSdkKeysIn(`GET /v1/${key}.json`), 'GET /v1/checkout');
  nameSdkKeys(new Map([['secret-other', 'search']]));
  assert.equal(maskSdkKey(key), 'secret-abcd***');
});

test('a name is short, plain, and never what could be a key', () => {
  for (const name of ['a', 'checkout', 'team_1.Prod-eu', 'x'.repeat(64)])
    assert.ok(isValidKeyName(name), name);
  for (const name of [
    '',
    'x'.repeat(65),
    'two words',
    'secret-checkout',
    'client-x',
    'server-x',
    'a*',
    'a=b',
    'é',
  ])
    assert.ok(!isValidKeyName(name), name);
});

test('keys of Replane are masked behind their prefix, and found in texts by their length', () => {
  const sdkKey = `rp_${'0123456789abcdef'.repeat(5)}`;
  assert.equal(maskSdkKey(sdkKey), 'rp_0123***');
  assert.equal(maskSdkKeysIn(`sent ${sdkKey} to rp_filter`), 'sent rp_0123*** to rp_filter');
});
