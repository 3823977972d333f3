// Waiting that ends: for what is done, or for a time, whichever comes first.
import type { Cancel, Clock } from './clock.js';

/** Resolves when `done` does, or after this long; rejects as it does. What is waited for goes on. */
export async function atMost(clock: Clock, durationMs: number, done: Promise<void>): Promise<void> {
  let cancel: Cancel = () => undefined;
  const timeout = new Promise<void>((resolve) => {
    cancel = clock.schedule(durationMs, resolve);
  });
  try {
    await Promise.race([done, timeout]);
  } finally {
    cancel();
  }
}

/** What `waitedFor` comes to; rejects with `late` after this long. The work behind it is not stopped. */
export function inTime<Value>(
  clock: Clock,
  durationMsMax: number,
  late: Error,
  waitedFor: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(durationMsMax, () => {
      reject(late);
    });
    waitedFor.then(resolve, reject).finally(cancel);
  });
}

/** Resolves after this long, or at once when the signal aborts. */
export function pause(clock: Clock, durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.schedule(durationMs, end);
    signal?.addEventListener('abort', end);
    if (signal?.aborted === true) end();
  });
}
