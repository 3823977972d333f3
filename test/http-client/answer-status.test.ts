// How long a body is said to be: a whole number of bytes, or not known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcedBytes } from '../../src/http-client/answer-status.js';

test('a length counts where it is a whole number, and else it is not known', () => {
  const lengths = [
    '0',
    '12',
    '999999999999999',
    '9999999999999999',
    '-1',
    '1e3',
    '12, 12',
    ' 12',
    '0x10',
    '',
  ];
  assert.deepEqual(
    lengths.map((length) => announcedBytes({ 'content-length': length })),
    [0, 12, 999_999_999_999_999, 0, 0, 0, 0, 0, 0, 0],
  );
  assert.equal(announcedBytes({ 'content-length': ['7', '8'] }), 7);
  assert.equal(announcedBytes({}), 0);
});
