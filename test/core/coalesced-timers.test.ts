// Timers that fire together: none early, none later than promised, no more at one time than allowed, none after it was cancelled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CoalescedTimers, SLACK_MS, TOGETHER_MAX } from '../../src/core/coalesced-timers.js';
import { ManualClock } from '../fakes/manual-clock.js';

const timers = fc.array(
  fc.record({
    atMs: fc.double({ min: 1, max: 2_000, noNaN: true }),
    /** When it is cancelled. */
    cancelAtMs: fc.option(fc.double({ min: 0, max: 2_500, noNaN: true }), { nil: Infinity }),
  }),
  { maxLength: 300 },
);

test('a timer fires once, not before its time nor more than the slack later, and never after it was cancelled', () => {
  fc.assert(
    fc.property(timers, (wanted) => {
      const clock = new ManualClock();
      const coalesced = new CoalescedTimers(clock);
      const firedAtMs = wanted.map((): number[] => []);
      for (const [index, { atMs, cancelAtMs }] of wanted.entries()) {
        const cancel = coalesced.schedule(atMs, () => firedAtMs[index]?.push(clock.monotonicMs()));
        if (cancelAtMs !== Infinity) clock.schedule(cancelAtMs, cancel);
      }
      clock.advance(4_000);
      const instants = new Map<number, number>();
      for (const [index, { atMs, cancelAtMs }] of wanted.entries()) {
        const [fired, again] = firedAtMs[index] ?? [];
        assert.equal(again, undefined);
        if (fired === undefined) {
          assert.ok(cancelAtMs <= atMs + 2 * SLACK_MS, `${atMs} did not fire`);
          continue;
        }
        assert.ok(fired >= atMs && fired < atMs + 2 * SLACK_MS, `${fired} for ${atMs}`);
        assert.ok(fired <= cancelAtMs, `${fired}, though cancelled at ${cancelAtMs}`);
        instants.set(fired, (instants.get(fired) ?? 0) + 1);
      }
      for (const together of instants.values()) assert.ok(together <= TOGETHER_MAX);
      assert.equal(clock.scheduled, 0);
    }),
  );
});

test('those that are due within the slack fire together', () => {
  const clock = new ManualClock();
  const coalesced = new CoalescedTimers(clock);
  const firedAtMs: number[] = [];
  for (let index = 0; index < TOGETHER_MAX; index += 1) {
    coalesced.schedule(1_000 + 1 + (index * (SLACK_MS - 1)) / TOGETHER_MAX, () => {
      firedAtMs.push(clock.monotonicMs());
    });
  }
  assert.equal(clock.scheduled, 1);
  clock.advance(5_000);
  assert.deepEqual(firedAtMs, Array<number>(TOGETHER_MAX).fill(1_000 + SLACK_MS));
});

test('more than may fire together are spread over the slack', () => {
  const clock = new ManualClock();
  const coalesced = new CoalescedTimers(clock);
  const firedAtMs: number[] = [];
  for (let index = 0; index < 4 * TOGETHER_MAX; index += 1) {
    coalesced.schedule(SLACK_MS, () => firedAtMs.push(clock.monotonicMs()));
  }
  clock.advance(5_000);
  const instants = [...new Set(firedAtMs)];
  assert.deepEqual(
    instants,
    [1, 1.25, 1.5, 1.75].map((slacks) => slacks * SLACK_MS),
  );
});

test('what is due fires at once, but not within the call; one that is cancelled leaves no timer behind', () => {
  const clock = new ManualClock();
  clock.advance(500);
  const coalesced = new CoalescedTimers(clock);
  let fired = 0;
  coalesced.schedule(500, () => (fired += 1));
  assert.equal(fired, 0);
  clock.advance(0);
  assert.equal(fired, 1);
  const cancels = [600, 600, 700].map((atMs) => coalesced.schedule(atMs, () => (fired += 1)));
  for (const cancel of [...cancels, ...cancels]) cancel();
  assert.equal(clock.scheduled, 0);
  coalesced.schedule(600, () => (fired += 1));
  clock.advance(SLACK_MS);
  assert.equal(fired, 2);
});
