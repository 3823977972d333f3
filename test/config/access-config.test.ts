// The settings of access: whatever cannot be kept to is told at the start, and how far the admin port is open is derived.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAccess, type AccessValues } from '../../src/config/access-config.js';
import { tokenLine } from '../auth/issuer.js';

const NOTHING: AccessValues = {
  tokensFile: '',
  jwtKeysFile: '',
  jwtKeysUrl: '',
  jwtIssuer: '',
  jwtAudience: '',
  adminHost: '127.0.0.1',
  adminWithoutToken: false,
};
const RULES = { jwtIssuer: 'issuer', jwtAudience: 'us' };
const FILES: Readonly<Record<string, string>> = {
  '/tokens': tokenLine('alice', 'sfp::read'),
  '/bad-tokens': 'alice my-plain-token sfp::read\nbob',
  '/keys': '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}',
  '/bad-keys': '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}',
};

function read(values: Partial<AccessValues>): ReturnType<typeof readAccess> {
  return readAccess({ ...NOTHING, ...values }, (path) => {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error(), { code: 'ENOENT' });
    return text;
  });
}

test('the admin port is open on loopback, asks for tokens where there are any, and is closed elsewhere', () => {
  for (const adminHost of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1']) {
    assert.equal(read({ adminHost }).access.admin, 'open', adminHost);
    assert.equal(read({ adminHost, tokensFile: '/tokens' }).access.admin, 'tokens', adminHost);
  }
  for (const adminHost of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    'fe80::1',
    'localhost.example',
    '127.0.0.1.example',
    '1127.0.0.1',
  ]) {
    assert.equal(read({ adminHost }).access.admin, 'closed', adminHost);
    assert.equal(read({ adminHost, adminWithoutToken: true }).access.admin, 'open', adminHost);
    assert.equal(read({ adminHost, jwtKeysFile: '/keys', ...RULES }).access.admin, 'tokens', adminHost);
  }
});

test('what is right has no faults', () => {
  for (const values of [
    {},
    { tokensFile: '/tokens' },
    { adminWithoutToken: true },
    { jwtKeysFile: '/keys', ...RULES },
    { tokensFile: '/tokens', jwtKeysUrl: 'https://issuer.example/keys', ...RULES },
    { jwtKeysUrl: 'http://127.0.0.1:8080/keys', ...RULES },
    { jwtKeysUrl: 'http://[::1]/keys', ...RULES },
  ]) {
    assert.deepEqual(read(values).faults, [], JSON.stringify(values));
  }
});

test('each contradiction, and each file that cannot be used, is told with its settings, all together', () => {
  for (const [values, ...faults] of [
    [{ tokensFile: '/none' }, /--tokens-file \(SFP_TOKENS_FILE\): \/none does not exist/],
    [
      { tokensFile: '/bad-tokens' },
      /\/bad-tokens: line 1 has no SHA-256/,
      /\/bad-tokens: line 2 is not of the form/,
    ],
    [
      { jwtKeysFile: '/bad-keys', ...RULES },
      /--jwt-keys-file \(SFP_JWT_KEYS_FILE\): \/bad-keys has no public key/,
    ],
    [{ jwtKeysFile: '/keys', jwtKeysUrl: 'https://a/', ...RULES }, /set one of the two/],
    [{ jwtKeysFile: '/keys' }, /--jwt-issuer .* is missing/, /--jwt-audience .* is missing/],
    [RULES, /--jwt-issuer .* needs keys/, /--jwt-audience .* needs keys/],
    [{ jwtKeysUrl: 'http://issuer.example/keys', ...RULES }, /must be https:\/\//],
    [{ jwtKeysUrl: 'http://127.0.0.1.example/keys', ...RULES }, /must be https:\/\//],
    [{ tokensFile: '/tokens', adminWithoutToken: true }, /--admin-without-token .* contradicts the tokens/],
    [
      { tokensFile: '/none', jwtKeysUrl: 'http://else/', jwtIssuer: 'a' },
      /jwt-audience/,
      /https/,
      /does not exist/,
    ],
  ] as readonly (readonly [Partial<AccessValues>, ...RegExp[]])[]) {
    const told = read(values).faults;
    assert.equal(told.length, faults.length, told.join('\n'));
    for (const [index, fault] of faults.entries()) assert.match(told[index] ?? '', fault);
    assert.ok(!told.join().includes('my-plain-token'));
  }
});
