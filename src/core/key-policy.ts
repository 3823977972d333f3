// Which SDK keys are served: every one that the origin accepts, or only those that are pinned.
import type { Clock } from '../domain/clock.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Logger } from '../observability/logger.js';
import { ThrottledLine } from '../observability/throttled-line.js';

const LINE_PERIOD_MS = 10_000;

export class KeyPolicy {
  readonly #log: Logger;
  readonly #takes: (sdkKey: string) => boolean;
  readonly #line: ThrottledLine;
  /** Requests whose key was turned away, since the start. */
  refused = 0;

  /** `takes`: whether the store would hold anything of the key. */
  constructor(clock: Clock, log: Logger, takes: (sdkKey: string) => boolean) {
    this.#log = log;
    this.#takes = takes;
    this.#line = new ThrottledLine(clock, LINE_PERIOD_MS);
  }

  /** Whether a request with this valid key may go on; one that may not is counted. */
  admits(sdkKey: string): boolean {
    if (this.#takes(sdkKey)) return true;
    this.refused += 1;
    this.#line.tell((untold) => {
      const fields = { sdkKey: maskSdkKey(sdkKey), untold };
      this.#log.warn(fields, 'SDK key refused: it is not pinned');
    });
    return false;
  }
}
