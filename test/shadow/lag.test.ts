// How long a side has lacked what the other has: by examples, and against a model that remembers everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DifferenceWatch, LagWatch } from '../../src/shadow/lag.js';

test('a side is behind since the other was first seen with the oldest version that it lacks', () => {
  const watch = new LagWatch();
  assert.equal(watch.observe(5, 5, 0), undefined);
  assert.deepEqual(watch.observe(6, 5, 10), { behind: 'against', forMs: 0 });
  assert.deepEqual(watch.observe(7, 5, 30), { behind: 'against', forMs: 20 });
  // It has caught up with 6, and lacks 7 since 30 only.
  assert.deepEqual(watch.observe(7, 6, 50), { behind: 'against', forMs: 20 });
  assert.equal(watch.observe(7, 7, 60), undefined);
  assert.deepEqual(watch.observe(7, 9, 70), { behind: 'base', forMs: 0 });
  // What went back has not been seen since.
  assert.deepEqual(watch.observe(7, 6, 80), { behind: 'against', forMs: 0 });
});

test('two that are never equal at a look, but each catches up with the other, are never late for long', () => {
  const watch = new LagWatch();
  let longestMs = 0;
  for (let round = 1; round < 100; round += 1)
    longestMs = Math.max(longestMs, watch.observe(round + 1, round, round * 10)?.forMs ?? 0);
  assert.equal(longestMs, 0);
});

test('it agrees with a model that goes over the whole history', () => {
  const looks = fc.array(fc.tuple(fc.nat(6), fc.nat(6), fc.integer({ min: 1, max: 50 })), { maxLength: 40 });
  fc.assert(
    fc.property(looks, (given) => {
      const watch = new LagWatch();
      const history: { readonly base: number; readonly against: number; readonly atMs: number }[] = [];
      let nowMs = 0;
      for (const [base, against, stepMs] of given) {
        nowMs += stepMs;
        history.push({ base, against, atMs: nowMs });
        const lag = watch.observe(base, against, nowMs);
        if (base === against) {
          assert.equal(lag, undefined);
          continue;
        }
        const [ahead, behind] =
          base > against ? (['base', 'against'] as const) : (['against', 'base'] as const);
        assert.equal(lag?.behind, behind);
        // Back to where the other had already been overtaken, or had gone back itself.
        let sinceMs = nowMs;
        const lacked = new Map<number, number>();
        for (const look of history) {
          for (const value of [...lacked.keys()])
            if (value <= look[behind] || value > look[ahead]) lacked.delete(value);
          if (look[ahead] > look[behind] && !lacked.has(look[ahead])) lacked.set(look[ahead], look.atMs);
        }
        const oldest = Math.min(...lacked.keys());
        sinceMs = lacked.get(oldest) ?? nowMs;
        assert.equal(lag.forMs, nowMs - sinceMs);
      }
    }),
  );
});

test('what has no order differs since it was last the same', () => {
  const watch = new DifferenceWatch();
  assert.equal(watch.observe(true, 0), 0);
  assert.equal(watch.observe(false, 10), 0);
  assert.equal(watch.observe(false, 30), 20);
  assert.equal(watch.observe(true, 40), 0);
  assert.equal(watch.observe(false, 50), 0);
});
