// A log line that strangers can cause: told at once, then at most once a period, with the number left untold.
import type { Clock } from '../domain/clock.js';

export class ThrottledLine {
  readonly #clock: Clock;
  readonly #periodMs: number;
  #lastMs = -Infinity;
  #untold = 0;

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  /** Calls `write` with how many were left out since the last line, or leaves this one out too. */
  tell(write: (untold: number) => void): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastMs < this.#periodMs) {
      this.#untold += 1;
      return;
    }
    write(this.#untold);
    this.#lastMs = nowMs;
    this.#untold = 0;
  }
}
