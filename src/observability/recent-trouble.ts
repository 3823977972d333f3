// Trouble that consists of single occurrences: since when it goes on and how often it occurred, until it has been quiet.
import type { Clock } from '../domain/clock.js';

/** Long enough to be seen by someone who looks every few minutes. */
const QUIET_MS = 300_000;

export class RecentTrouble {
  readonly #clock: Clock;
  #total = 0;
  #before = 0;
  #sinceMs = -Infinity;
  #lastMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  occurred(times = 1): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.current === undefined) {
      this.#before = this.#total;
      this.#sinceMs = nowMs;
    }
    this.#total += times;
    this.#lastMs = nowMs;
  }

  /** Undefined where it did not occur for five minutes. */
  get current(): { readonly forMs: number; readonly count: number } | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastMs >= QUIET_MS) return undefined;
    return { forMs: nowMs - this.#sinceMs, count: this.#total - this.#before };
  }
}
