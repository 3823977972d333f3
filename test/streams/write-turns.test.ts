// Many writes at one moment: begun in their order, few in each turn of the event loop, with everything else in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inTurn, WRITES_A_TURN_MAX } from '../../src/streams/write-turns.js';

test('writes begin in their order, so many in each turn, and what they ask for comes after what waits', async () => {
  const begun: string[] = [];
  const perTurn: number[] = [];
  const writes = 3 * WRITES_A_TURN_MAX;
  for (let index = 0; index < writes; index += 1) {
    inTurn(() => {
      begun.push(`first ${index}`);
      inTurn(() => {
        begun.push(`second ${index}`);
      });
    });
  }
  assert.equal(begun.length, 0, 'not within the call');
  for (let before = 0; begun.length < 2 * writes; before = begun.length) {
    await nextTurn();
    perTurn.push(begun.length - before);
  }
  assert.deepEqual(perTurn, Array<number>(6).fill(WRITES_A_TURN_MAX));
  const expected = ['first', 'second'].flatMap((what) =>
    Array.from({ length: writes }, (_none, index) => `${what} ${index}`),
  );
  assert.deepEqual(begun, expected);
  await nextTurn();
  inTurn(() => begun.push('later'));
  await nextTurn();
  assert.equal(begun.at(-1), 'later', 'after the list was empty once');
});
