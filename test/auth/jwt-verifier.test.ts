// JWTs: taken from one issuer, for one audience, by its public keys; every way to get around that is refused.
import assert from 'node:assert/strict';
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  type JsonWebKey,
} from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { JWTPayload } from 'jose';
import { readKeySet, type KeySet } from '../../src/auth/key-set.js';
import { isLikeJwt, JwtVerifier, type JwtVerdict } from '../../src/auth/jwt-verifier.js';
import { AUDIENCE, createSigner, ISSUER, keySetText, sha256Hex, sign, type Signer } from './issuer.js';

const NOW_MS = 1_800_000_000_000;
const NOW_S = NOW_MS / 1000;

let signers: readonly Signer[];
let rsa: Signer;
let keys: KeySet;

before(async () => {
  const algorithms = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];
  signers = await Promise.all(algorithms.map((alg, index) => createSigner(alg, `key-${index}`)));
  rsa = signers[0] ?? assert.fail();
  keys = toKeySet(keySetText(...signers));
});

function toKeySet(text: string): KeySet {
  const read = readKeySet(text);
  return typeof read === 'string' ? assert.fail(read) : read;
}

/** What is wrong with a key set. */
function faultOf(text: string): string {
  const read = readKeySet(text);
  return typeof read === 'string' ? read : assert.fail('no fault');
}

function verify(token: string, known = keys): Promise<JwtVerdict> {
  return new JwtVerifier({ issuer: ISSUER, audience: AUDIENCE }).verify(token, known, NOW_MS);
}

/** What becomes of a JWT with these claims: its scopes, or why it is refused. */
async function outcome(claims: JWTPayload): Promise<readonly string[] | string> {
  const verdict = await verify(await sign(rsa, NOW_MS, { scope: 'sfp::read', ...claims }));
  if (verdict.kind === 'granted') return [...verdict.access.scopes];
  return verdict.kind === 'refused' ? verdict.fault : verdict.kind;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

test('each algorithm is taken, with the name, the scopes and the end that the token states', async () => {
  for (const signer of signers) {
    const token = await sign(signer, NOW_MS, { scope: 'openid sfp::read sfp::operate' });
    assert.ok(isLikeJwt(token));
    const verdict = await verify(token);
    if (verdict.kind !== 'granted') assert.fail(`${signer.alg}: ${JSON.stringify(verdict)}`);
    const { name, scopes, endsAtMs } = verdict.access;
    assert.deepEqual(
      [name, [...scopes], endsAtMs],
      ['alice', ['sfp::read', 'sfp::operate'], NOW_MS + 3_600_000],
    );
  }
});

test('a token without a signature, or signed with the public key as a secret, is refused', async () => {
  const claims = { iss: ISSUER, aud: AUDIENCE, exp: NOW_S + 60, scope: 'sfp::read' };
  for (const alg of ['none', 'None', 'nOnE', '']) {
    const body = `${encode({ alg, kid: 'key-0' })}.${encode(claims)}`;
    for (const signature of ['', 'AAAA']) {
      assert.equal((await verify(`${body}.${signature}`)).kind, 'refused', alg);
    }
  }
  const pem = createPublicKey({ key: rsa.publicJwk as JsonWebKey, format: 'jwk' });
  const secrets = [
    pem.export({ type: 'spki', format: 'pem' }),
    pem.export({ type: 'spki', format: 'der' }),
    JSON.stringify(rsa.publicJwk),
    Buffer.from(rsa.publicJwk.n ?? '', 'base64url'),
  ];
  for (const secret of secrets) {
    const body = `${encode({ alg: 'HS256', kid: 'key-0' })}.${encode(claims)}`;
    const hmac = createHmac('sha256', secret).update(body).digest('base64url');
    assert.equal((await verify(`${body}.${hmac}`)).kind, 'refused');
  }
  const symmetric = '{"keys":[{"kty":"oct","kid":"key-0","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw"}]}';
  assert.match(faultOf(symmetric), /no public key/);
});

test('other algorithms of the same key, and weak keys, are refused', async () => {
  for (const alg of ['RS384', 'PS256']) {
    const signer = await createSigner(alg, 'key-9');
    const known = toKeySet(keySetText(signer, ...signers));
    assert.equal(
      (await verify(await sign(signer, NOW_MS, { scope: 'sfp::read' }), known)).kind,
      'refused',
      alg,
    );
  }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const weak = toKeySet(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'weak' }] }));
  const claims = { iss: ISSUER, aud: AUDIENCE, exp: NOW_S + 60, scope: 'sfp::read' };
  const body = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode(claims)}`;
  const signature = signBytes('sha256', Buffer.from(body), privateKey).toString('base64url');
  assert.equal((await verify(`${body}.${signature}`, weak)).kind, 'refused');
});

test('a key that the set does not have is told apart from one that did not sign', async () => {
  const stranger = await createSigner('RS256', 'key-8');
  const token = await sign(stranger, NOW_MS, { scope: 'sfp::read' });
  assert.equal((await verify(token)).kind, 'unknown-key');
  const impostor = await sign({ ...stranger, kid: 'key-0' }, NOW_MS, { scope: 'sfp::read' });
  assert.equal((await verify(impostor)).kind, 'refused');
});

test('issuer, audience, beginning and end are held', async () => {
  for (const [claims, expected] of [
    [{}, ['sfp::read']],
    [{ iss: 'https://issuer.example' }, 'token_invalid'],
    [{ iss: undefined }, 'token_invalid'],
    [{ aud: 'another' }, 'token_invalid'],
    [{ aud: undefined }, 'token_invalid'],
    [{ aud: ['another', AUDIENCE] }, ['sfp::read']],
    [{ exp: undefined }, 'token_invalid'],
    [{ exp: NOW_S }, 'token_expired'],
    // Within the skew that is allowed for a beginning, and over all the same.
    [{ exp: NOW_S - 5 }, 'token_expired'],
    [{ exp: NOW_S - 60 }, 'token_expired'],
    [{ exp: NOW_S + 1 }, ['sfp::read']],
    [{ nbf: NOW_S + 5 }, ['sfp::read']],
    [{ nbf: NOW_S + 60 }, 'token_invalid'],
  ] as const) {
    assert.deepEqual(await outcome(claims as JWTPayload), expected, JSON.stringify(claims));
  }
});

test('scopes are read from scope and scp, as text or list, and one malformed one refuses the token', async () => {
  const key = `sfp::${sha256Hex('secret-a')}`;
  for (const [claims, expected] of [
    [{ scope: undefined }, []],
    [{ scope: 'openid profile' }, []],
    [{ scope: undefined, scp: 'sfp::operate' }, ['sfp::operate']],
    [{ scope: undefined, scp: ['email', key] }, [key]],
    [{ scope: 'sfp::read', scp: ['sfp::operate'] }, ['sfp::read', 'sfp::operate']],
    [{ scope: 'sfp::read sfp::' }, 'token_invalid'],
    [{ scope: 'sfp::read sfp::admin' }, 'token_invalid'],
    [{ scope: `sfp::read ${key.toUpperCase().replace('SFP', 'sfp')}` }, 'token_invalid'],
    [{ scope: 'sfp::read', scp: [1] }, 'token_invalid'],
    [{ scope: { sfp: 'read' } }, 'token_invalid'],
    [{ scope: null }, 'token_invalid'],
  ] as const) {
    assert.deepEqual(await outcome(claims as JWTPayload), expected, JSON.stringify(claims));
  }
});

test('a name of any bytes is shown as short printable text, and never an SDK key', async () => {
  for (const [sub, shown] of [
    ['auth0|5f\n\u0000{"level":60}', 'auth0|5f??{"level":60}'],
    ['x'.repeat(1_000), 'x'.repeat(64)],
    ['secret-testkey0123456789', 'secret-test***'],
    [7, 'jwt'],
    [undefined, 'jwt'],
  ] as const) {
    const verdict = await verify(await sign(rsa, NOW_MS, { scope: 'sfp::read', sub: sub as string }));
    assert.equal(verdict.kind === 'granted' && verdict.access.name, shown);
  }
});

test('a token that was changed anywhere, and any other text, is refused and breaks nothing', async () => {
  const token = await sign(signers[1] ?? assert.fail(), NOW_MS, { scope: 'sfp::read' });
  // Bits beyond the last byte of a part mean nothing: such a change decodes to the same token.
  const meaning = (text: string): string =>
    text
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('hex'))
      .join('.');
  const changed = fc
    .tuple(fc.nat(token.length - 1), fc.stringMatching(/^[\w.-]$/))
    .map(([at, letter]) => token.slice(0, at) + letter + token.slice(at + 1))
    .filter((text) => meaning(text) !== meaning(token));
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, fc.string({ unit: 'binary' }), fc.string()), async (text) => {
      const { kind } = await verify(text);
      assert.notEqual(kind, 'granted');
    }),
    { numRuns: 300 },
  );
});

test('any text is a key set or a fault, and only public keys are taken from it', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] });
  for (const text of [
    '',
    '{}',
    '[]',
    'null',
    '{"keys":{}}',
    '{"keys":[]}',
    '{"keys":[null,1,"x",{}]}',
    secret,
  ]) {
    assert.equal(typeof readKeySet(text), 'string', text);
  }
  assert.match(faultOf(JSON.stringify({ keys: Array(101).fill(rsa.publicJwk) })), /100 is the limit/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const read = readKeySet(text);
      assert.ok(typeof read === 'string' || read.keys.length > 0);
    }),
  );
  // What says it is a key and is none refuses tokens, and nothing more.
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom('n', 'e', 'x', 'y', 'crv', 'alg', 'use'), fc.jsonValue()),
      async (members) => {
        const odd = toKeySet(JSON.stringify({ keys: [{ ...members, kty: 'RSA', kid: 'key-0' }] }));
        const verdict = await verify(await sign(rsa, NOW_MS, { scope: 'sfp::read' }), odd);
        assert.notEqual(verdict.kind, 'granted');
      },
    ),
    { numRuns: 50 },
  );
});
