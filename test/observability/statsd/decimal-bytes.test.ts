// Decimal text written digit by digit is what JavaScript makes of the same number, and nothing beside it is touched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DECIMAL_BYTES_MAX, writeThousandths } from '../../../src/observability/statsd/decimal-bytes.js';

const START = 3;

function written(thousandths: number): string {
  const bytes = Buffer.alloc(START + DECIMAL_BYTES_MAX + 1, '#');
  const end = writeThousandths(bytes, START, thousandths);
  assert.equal(bytes.toString('latin1', 0, START), '#'.repeat(START));
  assert.match(bytes.toString('latin1', end), /^#+$/);
  return bytes.toString('latin1', START, end);
}

test('numbers at the edges', () => {
  for (const value of [
    0,
    1,
    9,
    10,
    99,
    100,
    101,
    110,
    999,
    1_000,
    1_001,
    10_010,
    2 ** 31 - 1,
    2 ** 31,
    -1,
    -2_500,
    NaN,
  ]) {
    assert.equal(written(value), String(value / 1000));
  }
});

test('any integer', () => {
  const integer = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.maxSafeInteger());
  fc.assert(
    fc.property(integer, (value) => {
      assert.equal(written(value), String(value / 1000));
    }),
  );
});
