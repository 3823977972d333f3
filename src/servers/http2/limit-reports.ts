// Which limits of an HTTP/2 server clients have met, and how often: counted for /status, and told in a throttled line.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { ThrottledLine } from '../../observability/throttled-line.js';

const LINE_PERIOD_MS = 60_000;

export type Http2Limit =
  /** Calls refused, or cut off before their request had ended, because too many were open. */
  | 'callsOpen'
  /** Calls cut off because their request took too long to arrive. */
  | 'requestTime'
  /** Calls cut off because their request was too large. */
  | 'requestBytes'
  /** Connections closed because they started calls too fast. */
  | 'callRate'
  /** Connections closed because what came on them broke HTTP/2: also with more calls at one time than they may have. */
  | 'protocol'
  /** Connections closed because they had no call open for too long. */
  | 'idleTime';

export class LimitReports {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #protocol: string;
  readonly #lines = new Map<Http2Limit, ThrottledLine>();
  readonly #counts: Record<Http2Limit, number> = {
    callsOpen: 0,
    requestTime: 0,
    requestBytes: 0,
    callRate: 0,
    protocol: 0,
    idleTime: 0,
  };

  /** `protocol`: what they speak, for log lines. */
  constructor(clock: Clock, log: Logger, protocol: 'gRPC' | 'HTTP/2') {
    this.#clock = clock;
    this.#log = log;
    this.#protocol = protocol;
  }

  get counts(): Readonly<Record<Http2Limit, number>> {
    return this.#counts;
  }

  count(limit: Http2Limit): void {
    this.#counts[limit] += 1;
  }

  /** Counts it, and tells people of it. */
  tell(limit: Http2Limit): void {
    this.count(limit);
    let line = this.#lines.get(limit);
    if (line === undefined) {
      line = new ThrottledLine(this.#clock, LINE_PERIOD_MS);
      this.#lines.set(limit, line);
    }
    line.tell((untold) => {
      const fields = { limit, reached: this.#counts[limit], untold };
      this.#log.warn(fields, `${this.#protocol} clients reached a limit`);
    });
  }
}
