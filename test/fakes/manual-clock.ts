// A clock that moves only by hand: due tasks run in order of their time, within `advance`.
import type { Cancel, Clock } from '../../src/domain/clock.js';

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs: number;
  readonly #tasks = new Set<Task>();

  constructor(startMs = 1_800_000_000_000) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  schedule(delayMs: number, run: () => void): Cancel {
    const task = { atMs: this.#elapsedMs + delayMs, run };
    this.#tasks.add(task);
    return () => {
      this.#tasks.delete(task);
    };
  }

  /** Tasks that wait for their time. */
  get scheduled(): number {
    return this.#tasks.size;
  }

  advance(durationMs: number): void {
    const untilMs = this.#elapsedMs + durationMs;
    for (let next = this.#nextBy(untilMs); next !== undefined; next = this.#nextBy(untilMs)) {
      this.#tasks.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs);
      next.run();
    }
    this.#elapsedMs = untilMs;
  }

  /** Like `advance`, and lets promises settle after every step of `stepMs`. */
  async advanceInSteps(durationMs: number, stepMs: number): Promise<void> {
    for (let done = 0; done < durationMs; done += stepMs) {
      this.advance(Math.min(stepMs, durationMs - done));
      await settle();
    }
  }

  #nextBy(untilMs: number): Task | undefined {
    let next: Task | undefined;
    for (const task of this.#tasks) {
      if (task.atMs <= untilMs && (next === undefined || task.atMs < next.atMs)) next = task;
    }
    return next;
  }
}

/** What `waited` comes to, while the clock goes as fast as time does: for what waits for the network and for the clock. */
export async function inRealTime<Result>(clock: ManualClock, waited: Promise<Result>): Promise<Result> {
  const timer = setInterval(() => {
    clock.advance(STEP_MS);
  }, STEP_MS);
  try {
    return await waited;
  } finally {
    clearInterval(timer);
  }
}

const STEP_MS = 10;

/** Resolves after every promise that could settle without I/O has done so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
