// The page's only source of time: the proxy's wall clock, as its answers tell it, and timers.

/** Stops what was scheduled. */
export type Cancel = () => void;

export class PageClock {
  /** By how much the browser's clock is behind the proxy's. */
  #behindMs = 0;

  /** The proxy's time, as well as it is known. */
  nowMs(): number {
    return Date.now() + this.#behindMs;
  }

  /** Never goes back. */
  monotonicMs(): number {
    return performance.now();
  }

  /** `date`: the header of an answer that has just come. It has no milliseconds: what is less than two seconds is no difference. */
  note(date: string | null): void {
    const behindMs = Date.parse(date ?? '') + 500 - Date.now();
    if (Number.isNaN(behindMs)) return;
    this.#behindMs = Math.abs(behindMs) < 2_000 ? 0 : behindMs;
  }

  after(delayMs: number, task: () => void): Cancel {
    const timer = setTimeout(task, delayMs);
    return () => {
      clearTimeout(timer);
    };
  }
}
