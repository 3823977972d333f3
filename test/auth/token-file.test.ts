// The tokens file: what is written comes back, what is wrong is told by its line, and nothing of a line is ever shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyScope, readScopes } from '../../src/auth/scopes.js';
import { readTokens, TOKENS_MAX } from '../../src/auth/token-file.js';
import { sha256Hex, tokenLine } from './issuer.js';

const HASH = sha256Hex('a token');
const KEY_SCOPE = keyScope('secret-testkey0123456789');

test('lines of names, hashes, scopes and ends are read, comments and empty ones are not', () => {
  const { tokens, faults } = readTokens(
    [
      '# who may ask',
      '',
      `alice\t${HASH.toUpperCase()}  sfp::read,sfp::operate # on call`,
      `bob@team ${sha256Hex('b')} ${KEY_SCOPE} 2027-06-30T00:00:00Z\r`,
      `carol ${sha256Hex('c')} sfp::read 2027-06-30T02:00+02:00`,
    ].join('\n'),
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(
    tokens.map(({ name, sha256, scopes, endsAtMs }) => [name, sha256.toString('hex'), [...scopes], endsAtMs]),
    [
      ['alice', HASH, ['sfp::read', 'sfp::operate'], undefined],
      ['bob@team', sha256Hex('b'), [KEY_SCOPE], Date.UTC(2027, 5, 30)],
      ['carol', sha256Hex('c'), ['sfp::read'], Date.UTC(2027, 5, 30)],
    ],
  );
});

test('each kind of mistake is told with its line', () => {
  for (const [line, fault] of [
    [`alice ${HASH}`, /is not of the form/],
    [`alice ${HASH} sfp::read 2027-06-30T00:00:00Z more`, /is not of the form/],
    [`al/ice ${HASH} sfp::read`, /has no valid name/],
    [`alice a-token-instead-of-its-hash sfp::read`, /has no SHA-256 .*sha256sum/],
    [`alice ${HASH.slice(1)} sfp::read`, /has no SHA-256/],
    [`alice ${HASH} read`, /has an unknown scope/],
    [`alice ${HASH} sfp::read,`, /has an unknown scope/],
    [`alice ${HASH} sfp::write`, /has an unknown scope/],
    [`alice ${HASH} sfp::`, /has an unknown scope/],
    [`alice ${HASH} sfp::read,sfp::${HASH.toUpperCase()}`, /has an unknown scope/],
    [`alice ${HASH} sfp::read tomorrow`, /has no valid end/],
    [`alice ${HASH} sfp::read 2027-13-30T00:00:00Z`, /has no valid end/],
    [`alice ${HASH} sfp::read 2027-06-30`, /has no valid end/],
    [`first ${HASH} sfp::read`, /has the name of a line before/],
    [`alice ${sha256Hex('first')} sfp::read`, /has the token of a line before/],
  ] as const) {
    const { faults } = readTokens(`${tokenLine('first', 'sfp::read')}\n${line}\n`);
    assert.equal(faults.length, 1, line);
    assert.match(faults[0] ?? '', /^line 2 /, line);
    assert.match(faults[0] ?? '', fault, line);
  }
});

test('so many tokens are taken and no more, and so many faults are told', () => {
  const lines = Array.from({ length: TOKENS_MAX + 1 }, (_, index) => tokenLine(`t${index}`, 'sfp::read'));
  assert.equal(readTokens(lines.slice(1).join('\n')).faults.length, 0);
  assert.match(readTokens(lines.join('\n')).faults.join(), /1000 is the limit/);
  assert.equal(readTokens('wrong\n'.repeat(1_000)).faults.length, 10);
});

const scopes = fc.uniqueArray(
  fc.oneof(
    fc.constantFrom('sfp::read', 'sfp::operate'),
    fc.string().map((text) => `sfp::${sha256Hex(text)}`),
  ),
  { minLength: 1, maxLength: 4 },
);

test('whatever is written comes back', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9\-_.@]{1,64}$/);
  const end = fc.option(fc.integer({ min: 0, max: 4e9 }), { nil: undefined });
  const rows = fc.uniqueArray(fc.record({ name, scopes, end }), { selector: (row) => row.name });
  fc.assert(
    fc.property(rows, (written) => {
      const lines = written.map((row) => {
        const until = row.end === undefined ? '' : new Date(row.end * 1000).toISOString().replace('.000', '');
        return tokenLine(row.name, row.scopes.join(), until);
      });
      const { tokens, faults } = readTokens(lines.join('\n'));
      assert.deepEqual(faults, []);
      assert.deepEqual(
        tokens.map((token) => [token.name, [...token.scopes], token.endsAtMs]),
        written.map((row) => [row.name, row.scopes, row.end === undefined ? undefined : row.end * 1000]),
      );
    }),
  );
});

test('any bytes are read to tokens or faults, and no fault shows what a line holds', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\n', ' ', HASH, 'sfp::read', 'sfp::'),
  );
  const bytes = fc.oneof(
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString()),
  );
  fc.assert(
    fc.property(bytes, fc.stringMatching(/^[A-Za-z0-9]{24}$/), (text, secret) => {
      const { tokens, faults } = readTokens(`${text}\nalice ${secret} sfp::read\n${secret}\n`);
      assert.ok(faults.length > 0);
      assert.ok(!faults.join().includes(secret));
      for (const token of tokens) {
        assert.equal(token.sha256.length, 32);
        assert.ok(token.scopes.size > 0 && !Number.isNaN(token.endsAtMs));
      }
    }),
  );
});

test('one malformed scope of ours spoils all, and scopes of others are not looked at', () => {
  fc.assert(
    fc.property(scopes, fc.array(fc.string()), fc.string(), (ours, others, tail) => {
      const foreign = others.filter((scope) => !scope.startsWith('sfp::'));
      assert.deepEqual([...(readScopes([...foreign, ...ours]) ?? [])], ours);
      const bad = `sfp::${tail}`;
      const isGood = /^(?:read|operate|[0-9a-f]{64})$/.test(tail);
      assert.equal(readScopes([...ours, bad]) === undefined, !isGood);
    }),
  );
});
