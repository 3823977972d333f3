// The queue of fetches: a host that hangs or is slow uses up its own places, but not those of other hosts.
import { createConcurrencyLimit, type ConcurrencyLimit } from '../../../domain/concurrency-limit.js';
import type { Clock } from '../../../domain/clock.js';
import type { Gauges } from '../../../observability/gauges.js';
import { failedReading, type FailedReading } from './file-reading.js';

/** Over all hosts: more than a few dead ones can hold. */
const FETCHES_MAX = 64;
const HOST_FETCHES_MAX = 8;
const WAITING_MAX = 4_000;
const HOST_WAITING_MAX = 1_000;
/** A client that waited longer for its turn has given up. */
const WAIT_MS_MAX = 60_000;

interface Host {
  readonly limit: ConcurrencyLimit;
  /** Of its files, being fetched or waiting for that. */
  fetches: number;
}

export class FetchTurns {
  readonly #clock: Clock;
  readonly #limit = createConcurrencyLimit(FETCHES_MAX);
  readonly #hosts = new Map<string, Host>();
  #fetches = 0;
  #turnedAway = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `fetch` when it is its turn and returns its outcome, or a failure where the queue is full or too slow. */
  async take<Outcome>(url: string, fetch: () => Promise<Outcome>): Promise<Outcome | FailedReading> {
    const name = URL.canParse(url) ? new URL(url).host : '';
    const host = this.#hosts.get(name) ?? { limit: createConcurrencyLimit(HOST_FETCHES_MAX), fetches: 0 };
    const isFull = host.fetches >= HOST_FETCHES_MAX + HOST_WAITING_MAX;
    if (isFull || this.#waiting >= WAITING_MAX) return this.#turnAway('too many files are being fetched');
    this.#hosts.set(name, host);
    this.#changed(name, host, 1);
    const sinceMs = this.#clock.monotonicMs();
    try {
      return await host.limit(() =>
        this.#limit(async (): Promise<Outcome | FailedReading> => {
          const isLate = this.#clock.monotonicMs() - sinceMs > WAIT_MS_MAX;
          return isLate ? this.#turnAway('its turn did not come in time') : await fetch();
        }),
      );
    } finally {
      this.#changed(name, host, -1);
    }
  }

  /** So far. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Sizes of the tables, against their limits. */
  get gauges(): Gauges {
    return {
      idListFetchesInFlight: { entries: this.#limit.activeCount, entriesMax: FETCHES_MAX },
      idListFetchesWaiting: { entries: this.#waiting, entriesMax: WAITING_MAX, reached: this.#turnedAway },
    };
  }

  get #waiting(): number {
    return this.#fetches - this.#limit.activeCount;
  }

  #changed(name: string, host: Host, change: 1 | -1): void {
    this.#fetches += change;
    host.fetches += change;
    if (host.fetches === 0) this.#hosts.delete(name);
  }

  #turnAway(detail: string): FailedReading {
    this.#turnedAway += 1;
    return failedReading('too_many_fetches', detail);
  }
}
