// Numbers, sizes and ages as the page writes them, and routes as addresses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, duration, integer, moment, plural } from '../../src/page/format.js';
import { readRoute, toHash, withQuery } from '../../src/page/router.js';

test('durations have their two largest units', () => {
  const cases: readonly (readonly [number, string])[] = [
    [-3, '0 s'],
    [0.9, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [200, '3 min 20 s'],
    [7_500, '2 h 5 min'],
    [12 * 3_600, '12 h'],
    [3 * 86_400 + 4 * 3_600 + 59, '3 d 4 h'],
  ];
  for (const [seconds, text] of cases) assert.equal(duration(seconds), text);
});

test('sizes and counts are short and exact enough', () => {
  assert.deepEqual([0, 999, 1_000, 48_211, 402_115, 1_073_741_824].map(bytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '48.2 kB',
    '402 kB',
    '1.1 GB',
  ]);
  assert.equal(integer(1_234_567), '1\u202f234\u202f567');
  assert.deepEqual(
    [plural(1, 'spec'), plural(2, 'spec'), plural(0, 'more', 'more')],
    ['1 spec', '2 specs', '0 more'],
  );
});

test('a moment has its day where it is not today', () => {
  const now = new Date(2026, 10, 26, 3, 9, 7).getTime();
  assert.equal(moment(now, now), '03:09:07');
  assert.equal(moment(now - 4 * 3_600_000, now), '2026-11-25 23:09:07');
});

test('a route is read as it was written, whatever is in it', () => {
  const part = fc.string({ unit: 'grapheme', minLength: 1 });
  const query = fc.dictionary(fc.stringMatching(/^[a-z]+$/), part);
  fc.assert(
    fc.property(part, fc.array(part), query, (view, rest, words) => {
      const route = { view, rest, query: words };
      const read = readRoute(`#${toHash(route)}`);
      assert.deepEqual({ ...read, query: { ...read.query } }, { ...route, query: { ...words } });
    }),
  );
  assert.deepEqual(readRoute(''), { view: '', rest: [], query: {} });
  assert.deepEqual(readRoute('#/spec/%zz').rest, ['%zz']);
  assert.equal(
    toHash(withQuery(readRoute('#/audit?search=x&lines=300'), { search: '' })),
    '/audit?lines=300',
  );
});
