// Waits for a promise no longer than a deadline allows; the work behind it is not stopped.
import type { Clock } from '../../domain/clock.js';
import type { RedisFault } from './redis-fault.js';

/** Rejects with `late` after this long. */
export function inTime<Value>(
  clock: Clock,
  durationMsMax: number,
  late: RedisFault,
  waitedFor: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(durationMsMax, () => {
      reject(late);
    });
    waitedFor.then(resolve, reject).finally(cancel);
  });
}
