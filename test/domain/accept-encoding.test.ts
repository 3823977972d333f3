// Accept-Encoding: what real SDKs send, what RFC 9110 allows, and what nobody sane sends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { namesAsWelcome, negotiateEncoding } from '../../src/domain/accept-encoding.js';
import type { Encoding } from '../../src/domain/payload.js';

const BR_FIRST: readonly Encoding[] = ['br', 'gzip', 'identity'];

const CASES: readonly (readonly [string | undefined, Encoding | undefined])[] = [
  [undefined, 'identity'],
  ['', 'identity'],
  // node-core; node-legacy; py-legacy; go, ruby, dotnet.
  ['statsig-br, gzip, deflate, br', 'br'],
  ['gzip,deflate', 'gzip'],
  ['gzip, deflate, br', 'br'],
  ['gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'identity'],
  ['zstd, deflate', 'identity'],
  ['identity', 'identity'],
  ['*', 'br'],
  ['br;q=0', 'identity'],
  ['br;q=0, *', 'gzip'],
  ['*;q=0', undefined],
  ['identity;q=0', undefined],
  ['identity;q=0, gzip;q=0.001', 'gzip'],
  ['*;q=0, identity', 'identity'],
  ['gzip;q=0.5, br;q=0.4', 'gzip'],
  ['gzip;q=0.5, identity', 'identity'],
  ['gzip ; q=1.000 , br ; q=0.999', 'gzip'],
  ['br;q=2', 'identity'],
  ['br;q=', 'identity'],
  ['br;q=0.5;x=1', 'identity'],
  [',,;,gzip', 'gzip'],
];

for (const [header, expected] of CASES) {
  test(`"${header ?? '(absent)'}" is answered with ${expected ?? 'nothing'}`, () => {
    assert.equal(negotiateEncoding(header, BR_FIRST), expected);
  });
}

test('of equally welcome encodings the one at hand is sent', () => {
  assert.equal(negotiateEncoding('gzip, br', ['gzip', 'br', 'identity']), 'gzip');
  assert.equal(negotiateEncoding('gzip, br', ['identity', 'br', 'gzip']), 'br');
});

test('a header asks for the same each time, however many others came in between', () => {
  const ask = (): unknown[] => CASES.map(([header]) => negotiateEncoding(header, BR_FIRST));
  const before = ask();
  assert.deepEqual(ask(), before);
  for (let other = 0; other < 1_000; other += 1) {
    assert.equal(negotiateEncoding(`gzip;q=0.5, x${other}`, BR_FIRST), 'gzip');
  }
  assert.deepEqual(ask(), before);
});

const offers = fc.shuffledSubarray([...BR_FIRST], { minLength: 3 });

test('the answer is what the header weighs highest, and never what it excludes', () => {
  const token = fc.constantFrom('br', 'gzip', 'identity', 'deflate', 'statsig-br');
  const weight = fc.constantFrom(0, 0.001, 0.25, 0.5, 1);
  const parts = fc.uniqueArray(fc.tuple(token, weight), { selector: ([name]) => name });
  fc.assert(
    fc.property(parts, offers, (weighed, offered) => {
      const header = weighed.map(([name, quality]) => `${name};q=${quality}`).join(' , ');
      const weightOf = new Map<string, number>(weighed);
      const chosen = negotiateEncoding(header, offered);
      const welcome = offered.filter((encoding) => (weightOf.get(encoding) ?? 0) > 0);
      const highest = Math.max(...welcome.map((encoding) => weightOf.get(encoding) ?? 0));
      if (welcome.length > 0)
        assert.equal(
          chosen,
          welcome.find((encoding) => weightOf.get(encoding) === highest),
        );
      else assert.equal(chosen, weightOf.get('identity') === 0 ? undefined : 'identity');
    }),
    { numRuns: 2_000 },
  );
});

test('no header at all makes it fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), offers, (header, offered) => {
      const chosen = negotiateEncoding(header, offered);
      assert.ok(chosen === undefined || offered.includes(chosen));
    }),
  );
});

test('a very long header costs no more than its first kilobyte', () => {
  assert.equal(negotiateEncoding(`${'deflate,'.repeat(1_000)}br`, BR_FIRST), 'identity');
});

test('a coding that is named counts where it is liked no less than the other, and never by a star', () => {
  const [own, other] = ['statsig-zstd', 'statsig-br'];
  for (const [header, expected] of [
    // The renamed core SDKs; then those of today.
    ['statsig-zstd, statsig-br, gzip, deflate, br', true],
    ['statsig-br, gzip, deflate, br', false],
    ['zstd, statsig-br', false],
    ['*', false],
    [undefined, false],
    ['statsig-zstd', true],
    ['Statsig-ZSTD;q=0.5', true],
    ['statsig-zstd;q=0', false],
    ['statsig-zstd;q=0.5, statsig-br', false],
    ['statsig-zstd;q=0.5, statsig-br;q=0.5', true],
    ['statsig-zstd;q=0, statsig-br;q=0', false],
  ] as const) {
    assert.equal(namesAsWelcome(header, own, other), expected, header);
  }
  const token = fc.constantFrom(own, other, 'zstd', '*', 'gzip');
  const parts = fc.uniqueArray(fc.tuple(token, fc.constantFrom(0, 0.001, 0.5, 1)), {
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(parts, (weighed) => {
      const header = weighed.map(([name, quality]) => `${name};q=${quality}`).join(',');
      const weights = new Map(weighed);
      const [liked = 0, otherLiked = 0] = [weights.get(own), weights.get(other)];
      assert.equal(namesAsWelcome(header, own, other), liked > 0 && liked >= otherLiked, header);
    }),
  );
});
