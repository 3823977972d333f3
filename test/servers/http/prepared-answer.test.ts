// What a prepared answer hands to its connection: a head for each second, and when the body comes in one piece with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PreparedAnswer } from '../../../src/servers/http/fast-lane/prepared-answer.js';

const FRAME = { headers: { 'x-first': '1' }, lastHeaders: { 'x-last': '2' } };
const SECOND = 'Thu, 26 Nov 2026 12:00:00 GMT';
const NEXT_SECOND = 'Thu, 26 Nov 2026 12:00:01 GMT';

function headOf(date: string, bytes: number): string {
  return `HTTP/1.1 200 OK\r\nx-first: 1\r\nx-own: 3\r\ncontent-length: ${bytes}\r\nDate: ${date}\r\nx-last: 2\r\n\r\n`;
}

test('a small body comes in one piece with its head, from the same bytes for a second', () => {
  const answer = new PreparedAnswer({ 'x-own': '3' }, Buffer.from('body'));
  for (const date of [SECOND, NEXT_SECOND]) {
    const [joined, ...more] = answer.pieces(FRAME, date);
    assert.deepEqual([String(joined), more], [`${headOf(date, 4)}body`, []]);
    assert.equal(answer.pieces(FRAME, date)[0], joined);
  }
});

test('a large body is never copied', () => {
  const body = Buffer.alloc(16_385, 'l');
  const answer = new PreparedAnswer({ 'x-own': '3' }, body);
  const [head, own, ...more] = answer.pieces(FRAME, SECOND);
  assert.deepEqual([String(head), more], [headOf(SECOND, body.length), []]);
  assert.equal(own, body);
});
