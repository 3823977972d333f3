// A queue for bodies sent to or loaded from Redis: few at a time, the others wait, limited in number and in time.
import type { Clock } from '../../domain/clock.js';
import { createConcurrencyLimit } from '../../domain/concurrency-limit.js';
import { RedisFault } from './redis-fault.js';

/** Enough that a start with thousands of small bodies does not wait for each in turn. */
const BODIES_MAX = 4;
const WAITING_BODIES_MAX = 10_000;

export class BodyQueue {
  readonly #clock: Clock;
  readonly #limit = createConcurrencyLimit(BODIES_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * `task` makes a body, sends it or reads it, so memory is only taken when its turn comes. Rejects with a RedisFault if
   * it has not come within `waitingMsMax`; the task is never started then.
   */
  run<Value>(waitingMsMax: number, task: () => Promise<Value>): Promise<Value> {
    if (this.#limit.pendingCount >= WAITING_BODIES_MAX) {
      return Promise.reject(new RedisFault('command_timeout', 'TOO_MANY'));
    }
    if (waitingMsMax <= 0) return Promise.reject(new RedisFault('command_timeout', 'IN_LINE'));
    return new Promise<Value>((resolve, reject) => {
      let isGivenUp = false;
      const cancel = this.#clock.schedule(waitingMsMax, () => {
        isGivenUp = true;
        reject(new RedisFault('command_timeout', 'IN_LINE'));
      });
      this.#limit(async () => {
        if (isGivenUp) return;
        cancel();
        resolve(await task());
      }).catch(reject);
    });
  }
}
