// Timers for polls, which may fire a little late, so that a few of them fire together: an idle process pays for each wake-up.
import type { Cancel, Clock } from '../domain/clock.js';

/** How late a timer may fire. Measured at 50 polls a second: one by one they take 1.1 ms of CPU each, ten at a time 0.25 ms. */
export const SLACK_MS = 200;
/** More would hold up the event loop, and reach the origin as a burst. */
export const TOGETHER_MAX = 16;

interface Slot {
  readonly tasks: Set<() => void>;
  cancel: Cancel;
}

export class CoalescedTimers {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Slot>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `task` once: not before `atMs` by the monotonic clock, and less than SLACK_MS later; twice that where more than
   * TOGETHER_MAX are due. What is due already runs at once.
   */
  schedule(atMs: number, task: () => void): Cancel {
    const nowMs = this.#clock.monotonicMs();
    if (atMs <= nowMs) return this.#clock.schedule(0, task);
    // Multiples of it: what comes back every few seconds fires exactly so long after the last time.
    const slotMs = Math.ceil(atMs / SLACK_MS) * SLACK_MS;
    const slot = this.#slots.get(slotMs) ?? this.#open(slotMs, nowMs);
    // Of its own: the same function may be scheduled twice.
    const once = (): void => {
      task();
    };
    slot.tasks.add(once);
    return () => {
      slot.tasks.delete(once);
      if (slot.tasks.size > 0) return;
      slot.cancel();
      if (this.#slots.get(slotMs) === slot) this.#slots.delete(slotMs);
    };
  }

  #open(slotMs: number, nowMs: number): Slot {
    const slot: Slot = { tasks: new Set(), cancel: () => undefined };
    slot.cancel = this.#clock.schedule(slotMs - nowMs, () => {
      this.#slots.delete(slotMs);
      this.#run(slot, SLACK_MS / Math.ceil(slot.tasks.size / TOGETHER_MAX));
    });
    this.#slots.set(slotMs, slot);
    return slot;
  }

  /** As many as may run together, and the rest by so many after each pause. */
  #run(slot: Slot, pauseMs: number): void {
    let ran = 0;
    for (const task of slot.tasks) {
      if (ran === TOGETHER_MAX) break;
      ran += 1;
      slot.tasks.delete(task);
      task();
    }
    if (slot.tasks.size === 0) return;
    slot.cancel = this.#clock.schedule(pauseMs, () => {
      this.#run(slot, pauseMs);
    });
  }
}
