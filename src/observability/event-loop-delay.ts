// How late the event loop comes round, over the last minute: what every client of this process waits at the least.
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Cancel, Clock } from '../domain/clock.js';

/** Beyond the sampling interval, in milliseconds. */
export interface Delays {
  readonly meanMs: number;
  /** The largest of any ten seconds. */
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** An idle process takes 0.15 % of a core for these wake-ups. With 20 it was 0.42 %, a sixth of what 50 polls a second take. */
const RESOLUTION_MS = 50;
const NS_PER_MS = 1e6;
/** Node's histogram cannot forget what is old, so the minute is made of parts. */
const PART_MS = 10_000;
const PARTS = 6;

/** Reading does not reset anything. */
export class EventLoopDelay {
  readonly #clock: Clock;
  readonly #histogram: IntervalHistogram;
  /** The latest comes last. */
  readonly #parts: Delays[] = [];
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock, histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })) {
    this.#clock = clock;
    this.#histogram = histogram;
    histogram.enable();
    this.#scheduleNextPart();
  }

  get lastMinute(): Delays {
    const parts = [...this.#parts, summaryOf(this.#histogram)];
    const largest = (of: (part: Delays) => number): number => Math.max(...parts.map(of));
    const meanMs = parts.reduce((sum, part) => sum + part.meanMs, 0) / parts.length;
    return {
      meanMs: rounded(meanMs),
      p99Ms: rounded(largest(({ p99Ms }) => p99Ms)),
      maxMs: rounded(largest(({ maxMs }) => maxMs)),
    };
  }

  stop(): void {
    this.#cancel();
    this.#histogram.disable();
  }

  #scheduleNextPart(): void {
    this.#cancel = this.#clock.schedule(PART_MS, () => {
      this.#parts.push(summaryOf(this.#histogram));
      if (this.#parts.length > PARTS) this.#parts.shift();
      this.#histogram.reset();
      this.#scheduleNextPart();
    });
  }
}

function summaryOf(histogram: IntervalHistogram): Delays {
  return {
    meanMs: beyondResolution(histogram.mean),
    p99Ms: beyondResolution(histogram.percentile(99)),
    maxMs: beyondResolution(histogram.max),
  };
}

/** The histogram counts the timer's own interval too; an empty one gives NaN or nonsense, told as 0. */
function beyondResolution(delayNs: number): number {
  const delayMs = delayNs / NS_PER_MS - RESOLUTION_MS;
  return Number.isFinite(delayMs) && delayMs > 0 ? delayMs : 0;
}

function rounded(delayMs: number): number {
  return Math.round(delayMs * 100) / 100;
}
