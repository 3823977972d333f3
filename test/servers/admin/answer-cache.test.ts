// Answers that are given to many: each is made once, until something changes or a second is over, and they take a bounded room.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerCache } from '../../../src/servers/admin/answer-cache.js';
import { ManualClock } from '../../fakes/manual-clock.js';

function create(): {
  readonly clock: ManualClock;
  readonly ask: (question: string, bytes?: number) => number;
  readonly change: () => void;
} {
  const clock = new ManualClock();
  let changes = 0;
  const cache = new AnswerCache(clock, () => changes);
  let made = 0;
  return {
    clock,
    change: () => (changes += 1),
    /** Which making the answer came from. */
    ask: (question, bytes = 1) => {
      const answer = cache.answer(question, () => ({ made: (made += 1), text: 'x'.repeat(bytes) }));
      return (JSON.parse(answer.toString()) as { readonly made: number }).made;
    },
  };
}

test('the same question within a second is answered once; another one, or a later one, anew', () => {
  const { clock, ask } = create();
  assert.deepEqual([ask('/specs'), ask('/specs'), ask('/specs?limit=1'), ask('/specs')], [1, 1, 2, 1]);
  clock.advance(999);
  assert.equal(ask('/specs'), 1);
  clock.advance(1);
  assert.deepEqual([ask('/specs'), ask('/specs?limit=1')], [3, 4]);
});

test('after a change nothing from before it is given', () => {
  const { ask, change } = create();
  assert.deepEqual([ask('/specs'), ask('/status')], [1, 2]);
  change();
  assert.deepEqual([ask('/specs'), ask('/status'), ask('/specs')], [3, 4, 3]);
});

test('what finds no room is answered all the same', () => {
  const { ask } = create();
  const large = 3 * 1024 * 1024;
  assert.deepEqual([ask('/a', large), ask('/b', large), ask('/c', large), ask('/c', large)], [1, 2, 3, 4]);
  assert.deepEqual([ask('/a', large), ask('/d')], [1, 5]);
});
