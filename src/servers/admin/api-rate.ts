// How many requests to /api/v1 are answered: a bucket for all askers together, which few people and their scripts share.
import type { Clock } from '../../domain/clock.js';

/** Open pages ask four questions, two or three times a second all together; and most of them at once where something changes. */
const REQUESTS_PER_S = 50;
const BURST_MAX = 300;

export class ApiRate {
  readonly #clock: Clock;
  #left = BURST_MAX;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  /** Whether one more is answered now. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(BURST_MAX, this.#left + ((nowMs - this.#atMs) / 1000) * REQUESTS_PER_S);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
