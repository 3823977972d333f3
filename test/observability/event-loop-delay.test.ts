// Delays of the event loop: of the last minute, whoever reads them and however often.
import assert from 'node:assert/strict';
import type { IntervalHistogram } from 'node:perf_hooks';
import { test } from 'node:test';
import { EventLoopDelay } from '../../src/observability/event-loop-delay.js';
import { ManualClock } from '../fakes/manual-clock.js';

const NS_PER_MS = 1e6;
/** What the sampling itself takes. */
const RESOLUTION_MS = 50;

/** A histogram whose delays are set by hand. */
class SetHistogram {
  delaysMs: number[] = [];

  get mean(): number {
    return this.#ns(this.delaysMs.reduce((sum, delay) => sum + delay, 0) / this.delaysMs.length);
  }

  get max(): number {
    return this.#ns(Math.max(...this.delaysMs));
  }

  percentile(): number {
    return this.max;
  }

  reset(): void {
    this.delaysMs = [];
  }

  enable(): void {
    return undefined;
  }

  disable(): void {
    return undefined;
  }

  #ns(delayMs: number): number {
    return (delayMs + RESOLUTION_MS) * NS_PER_MS;
  }
}

function start(): { clock: ManualClock; histogram: SetHistogram; delay: EventLoopDelay } {
  const [clock, histogram] = [new ManualClock(), new SetHistogram()];
  return {
    clock,
    histogram,
    delay: new EventLoopDelay(clock, histogram as unknown as IntervalHistogram),
  };
}

test('a stall is seen by every reader for a minute, and then by none', () => {
  const { clock, histogram, delay } = start();
  histogram.delaysMs.push(100, 2);
  for (let elapsedS = 0; elapsedS < 60; elapsedS += 5) {
    for (const reader of ['one', 'another']) {
      const { maxMs, p99Ms } = delay.lastMinute;
      assert.deepEqual([maxMs, p99Ms], [100, 100], `${reader} after ${elapsedS} s`);
    }
    clock.advance(5_000);
  }
  clock.advance(10_000);
  assert.deepEqual(delay.lastMinute, { meanMs: 0, p99Ms: 0, maxMs: 0 });
  delay.stop();
  assert.equal(clock.scheduled, 0);
});

test('the event loop of this process is measured', async () => {
  const delay = new EventLoopDelay(new ManualClock());
  await new Promise((resolve) => setTimeout(resolve, 50));
  const untilMs = performance.now() + 200;
  while (performance.now() < untilMs);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { maxMs } = delay.lastMinute;
  delay.stop();
  assert.ok(maxMs > 100, `${maxMs} ms`);
});
