// Time as a parameter: the port every room takes its time from, and the system's own clock.

/** Stops a scheduled task; calling it again, or after the task ran, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall-clock time, in milliseconds since 1970; may jump. */
  nowMs(): number;
  /** Time that never goes back, in milliseconds since an arbitrary start. */
  monotonicMs(): number;
  /** Runs `task` once, `delayMs` from now. */
  schedule(delayMs: number, task: () => void): Cancel;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
