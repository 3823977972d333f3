// Turns for payloads that nobody holds: keys that anybody can invent never have all of them, so that known ones are not kept waiting.
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Gauge, Gauges } from '../observability/gauges.js';

/** Of the fetches at one time, for keys that are known to be good; the others are for whoever comes. */
const KNOWN_SHARE = 1 / 4;
/** Payloads that wait for their turn; more are turned away at once. As many of known keys as of others. */
const QUEUE_MAX = 1_000;
/** Backups are asked outside of these turns, for so many unknown keys at one time: a part of what they do at once. */
const UNKNOWN_RESTORES_MAX = 6;

interface Lane {
  readonly limit: ConcurrencyLimit;
  /** Payloads that wait, are restored or are fetched. */
  payloads: number;
  /** For want of a place, or as their turn came too late. */
  turnedAway: number;
}

export class ColdTurns {
  readonly #all: ConcurrencyLimit;
  readonly #known: Lane;
  readonly #unknown: Lane;
  readonly #unknownRestores = createConcurrencyLimit(UNKNOWN_RESTORES_MAX);

  constructor(fetchesMax: number) {
    this.#all = createConcurrencyLimit(fetchesMax);
    const unknownMax = fetchesMax - Math.floor(fetchesMax * KNOWN_SHARE);
    this.#known = { limit: createConcurrencyLimit(fetchesMax), payloads: 0, turnedAway: 0 };
    this.#unknown = { limit: createConcurrencyLimit(unknownMax), payloads: 0, turnedAway: 0 };
  }

  /** Begins what it takes to have one payload; undefined, with nothing begun, where too many wait already. */
  enter<Result>(isKnown: boolean, begin: (turns: Turns) => Promise<Result>): Promise<Result> | undefined {
    const lane = isKnown ? this.#known : this.#unknown;
    const turnAway = (): void => {
      lane.turnedAway += 1;
    };
    if (waitingIn(lane) >= QUEUE_MAX) {
      turnAway();
      return undefined;
    }
    lane.payloads += 1;
    const turns: Turns = {
      restore: (task) => (isKnown ? task() : this.#unknownRestores(task)),
      fetch: (task) => lane.limit(() => this.#all(task)),
      turnAway,
    };
    return begin(turns).finally(() => (lane.payloads -= 1));
  }

  /** Sizes of the tables, against their limits. */
  get gauges(): Gauges {
    return {
      coldFetchesInFlight: { entries: this.#all.activeCount, entriesMax: this.#all.concurrency },
      coldFetchesWaiting: gaugeOf(this.#unknown),
      coldFetchesOfKnownKeysWaiting: gaugeOf(this.#known),
    };
  }
}

/** The turns of one payload. */
export interface Turns {
  /** For asking backups: what is at hand need not wait for an origin that answers nobody. */
  restore<Result>(task: () => Promise<Result>): Promise<Result>;
  fetch<Result>(task: () => Promise<Result>): Promise<Result>;
  /** Its turn came too late to be of use. */
  turnAway(): void;
}

function waitingIn({ payloads, limit }: Lane): number {
  return payloads - limit.activeCount;
}

function gaugeOf(lane: Lane): Gauge {
  return { entries: waitingIn(lane), entriesMax: QUEUE_MAX, reached: lane.turnedAway };
}
