// When a batch is sent again: doubling, capped, apart from others, and not before the origin wants it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { probeWaitMs, retryWaitMs } from '../../../../src/protocols/statsig/log-events/retry-schedule.js';

test('waits double from 100 ms to 30 s, each between half and the whole', () => {
  const wholes = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
  for (const [index, wholeMs] of wholes.entries()) {
    for (const id of ['a', 'b', 'c', 'd']) {
      const waitMs = retryWaitMs(id, index + 1);
      assert.ok(waitMs >= wholeMs / 2 && waitMs <= wholeMs, `${waitMs} ms after ${index + 1} failures`);
    }
  }
});

test('however often it failed, the wait is a number of at most 30 s, and the same for the same batch', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (id, failures) => {
      const waitMs = retryWaitMs(id, failures);
      assert.ok(waitMs >= 50 && waitMs <= 30_000);
      assert.equal(retryWaitMs(id, failures), waitMs);
    }),
  );
});

test('batches that fail together come back apart', () => {
  const waits = new Set(Array.from({ length: 100 }, (_none, index) => retryWaitMs(`batch ${index}`, 5)));
  assert.equal(waits.size, 100);
});

test('Retry-After makes the wait longer, never shorter', () => {
  assert.equal(retryWaitMs('a', 1, 7000), 7000);
  assert.ok(retryWaitMs('a', 20, 7000) >= 15_000);
});

test('refused keys are tried again after 30 s, then half as often each time, down to once an hour', () => {
  const minutes = [0.5, 1, 2, 4, 8, 16, 32, 60, 60];
  for (const [index, wholeMin] of minutes.entries()) {
    const waitMs = probeWaitMs('a', index + 1);
    assert.ok(waitMs >= wholeMin * 30_000 && waitMs <= wholeMin * 60_000, `${waitMs} ms after ${index + 1}`);
  }
});
