// Ranges as clients word them, and as nobody should.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRangeHeader, parseRangeQuery } from '../../../../src/protocols/statsig/http/byte-range.js';

const INVALID = { kind: 'invalid' };

test('from a byte on, from byte to byte, and the last bytes', () => {
  assert.deepEqual(parseRangeHeader('bytes=0-'), { kind: 'from', first: 0, last: undefined });
  assert.deepEqual(parseRangeHeader(' Bytes=20-'), { kind: 'from', first: 20, last: undefined });
  assert.deepEqual(parseRangeHeader('bytes=5-5'), { kind: 'from', first: 5, last: 5 });
  assert.deepEqual(parseRangeHeader('bytes=-7'), { kind: 'last', bytes: 7 });
  assert.deepEqual(parseRangeQuery('20-'), { kind: 'from', first: 20, last: undefined });
  assert.deepEqual(parseRangeQuery('bytes=20-30'), { kind: 'from', first: 20, last: 30 });
});

for (const range of [
  '',
  '-',
  'x',
  '5',
  '9-5',
  '0-,5-',
  '1-2-3',
  '-1-',
  '1.5-',
  '0x1-',
  ' 1 - 2',
  `${'9'.repeat(16)}-`,
]) {
  test(`no range: ${JSON.stringify(range)}`, () => {
    assert.deepEqual(parseRangeHeader(`bytes=${range}`), INVALID);
    assert.deepEqual(parseRangeQuery(range), INVALID);
  });
}

test('a header needs its unit', () => {
  for (const header of ['0-', 'items=0-', 'bytes 0-', 'bytes='])
    assert.deepEqual(parseRangeHeader(header), INVALID);
});

test('whatever is sent, what comes out are whole numbers in order', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-\d,= ]{0,40}$/));
  fc.assert(
    fc.property(text, (sent) => {
      for (const range of [parseRangeHeader(`bytes=${sent}`), parseRangeQuery(sent)]) {
        if (range.kind === 'last') assert.ok(Number.isSafeInteger(range.bytes) && range.bytes >= 0);
        if (range.kind !== 'from') continue;
        assert.ok(Number.isSafeInteger(range.first) && range.first >= 0);
        assert.ok(
          range.last === undefined || (Number.isSafeInteger(range.last) && range.last >= range.first),
        );
      }
    }),
  );
});
