// What was just seen on the disk is known for 30 s, and of no more files than there may be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentConfirmations } from '../../../src/storage/disk/recent-confirmations.js';
import { ManualClock } from '../../fakes/manual-clock.js';

test('the version seen is known for 30 s, and no other', () => {
  const clock = new ManualClock();
  const recent = new RecentConfirmations(clock, 10);
  recent.learn('a', 5, clock.monotonicMs());
  assert.deepEqual(
    [recent.has('a', 5), recent.has('a', 4), recent.has('a', 6), recent.has('b', 5)],
    [true, false, false, false],
  );
  clock.advance(29_999);
  assert.equal(recent.has('a', 5), true);
  clock.advance(1);
  assert.equal(recent.has('a', 5), false);
  recent.learn('a', 6, clock.monotonicMs());
  assert.deepEqual([recent.has('a', 5), recent.has('a', 6)], [false, true]);
  recent.forget('a');
  assert.equal(recent.has('a', 6), false);
});

test('of more files than there may be, the one seen longest ago is forgotten', () => {
  const recent = new RecentConfirmations(new ManualClock(), 2);
  for (const file of ['a', 'b', 'a', 'c']) recent.learn(file, 1, 0);
  assert.deepEqual(
    ['a', 'b', 'c'].map((file) => recent.has(file, 1)),
    [true, false, true],
  );
});
