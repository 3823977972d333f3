// Tells when clients reach a limit: one throttled log line for each, and a problem in /status, whoever holds the limit.
import type { Cancel, Clock } from '../domain/clock.js';
import type { Gauges } from '../observability/gauges.js';
import type { Logger } from '../observability/logger.js';
import { RecentTrouble } from '../observability/recent-trouble.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import type { Feature } from './feature.js';
import type { Problem } from './problems.js';

const LOOK_EVERY_MS = 10_000;
/** Between two lines about one limit. */
const LINE_EVERY_MS = 60_000;

interface Watched {
  readonly line: ThrottledLine;
  readonly trouble: RecentTrouble;
  reached: number;
}

/** Gauges count for themselves. To look at the counts now and then costs nothing per request, and no room has to know of it. */
export class LimitWatch implements Feature {
  readonly name = 'limits';
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #read: () => Gauges;
  readonly #watched = new Map<string, Watched>();
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock, log: Logger, read: () => Gauges) {
    this.#clock = clock;
    this.#log = log;
    this.#read = read;
  }

  readonly open = (): void => {
    this.#cancel = this.#clock.schedule(LOOK_EVERY_MS, () => {
      this.#look();
      this.open();
    });
  };

  readonly close = (): void => {
    this.#cancel();
    this.#look();
  };

  readonly problems = (): readonly Problem[] => {
    const gauges = this.#look();
    return [...this.#watched].flatMap(([limit, { trouble }]): Problem[] => {
      const { current } = trouble;
      if (current === undefined) return [];
      const what = `Clients reached the limit of ${limit}: ${gauges[limit]?.entriesMax ?? 0}.`;
      const sinceMs = this.#clock.nowMs() - current.forMs;
      return [{ reason: 'limit_reached', what, sinceMs, count: current.count }];
    });
  };

  #look(): Gauges {
    const gauges = this.#read();
    for (const [limit, { entriesMax, reached = 0 }] of Object.entries(gauges)) {
      const watched = this.#watchedOf(limit);
      if (reached === watched.reached) continue;
      watched.trouble.occurred(reached - watched.reached);
      watched.reached = reached;
      watched.line.tell(() => {
        this.#log.warn({ limit, entriesMax, reached }, 'clients reached a limit');
      });
    }
    return gauges;
  }

  #watchedOf(limit: string): Watched {
    const known = this.#watched.get(limit);
    if (known !== undefined) return known;
    const line = new ThrottledLine(this.#clock, LINE_EVERY_MS);
    const watched = { line, trouble: new RecentTrouble(this.#clock), reached: 0 };
    this.#watched.set(limit, watched);
    return watched;
  }
}
