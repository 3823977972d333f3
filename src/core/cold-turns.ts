// Turns for payloads that nobody holds: keys that anybody can invent never have all of them, and no client has all of what these may have.
import type { Cancel } from '../domain/clock.js';
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import { FairPlaces } from '../domain/fair-places.js';
import type { Gauges } from '../observability/gauges.js';
import { FairTurns, TURNED_AWAY, type TurnTaker } from './fair-turns.js';

/** Concurrent fetches reserved for keys that are known to be good; the rest are for any key. */
const KNOWN_SHARE = 1 / 4;
/** Payloads that wait for their turn; more are turned away at once. As many of known keys as of others. */
const QUEUE_MAX = 1_000;
/** Backups are asked outside of these turns, for so many unknown keys at one time: a part of what they do at once. */
const UNKNOWN_RESTORES_MAX = 6;

/** For payloads of known keys: nobody can invent these, so they are served in the order in which they come. */
interface KnownLane {
  readonly limit: ConcurrencyLimit;
  /** Payloads that wait, are restored or are fetched. */
  payloads: number;
}

/** For all others: clients share the places of those that wait, and take turns. */
interface UnknownLane {
  /** Until their fetch begins. */
  readonly waiting: FairPlaces<TurnTaker>;
  readonly restores: FairTurns;
  readonly fetches: FairTurns;
}

export class ColdTurns {
  readonly #all: ConcurrencyLimit;
  readonly #known: KnownLane;
  readonly #unknown: UnknownLane;
  /** For want of a place, or as their turn came too late. */
  readonly #turnedAway = { known: 0, unknown: 0 };
  /** Told once no payload waits. */
  readonly #listening = new Set<() => void>();

  constructor(fetchesMax: number) {
    this.#all = createConcurrencyLimit(fetchesMax);
    this.#known = { limit: createConcurrencyLimit(fetchesMax), payloads: 0 };
    this.#unknown = {
      waiting: new FairPlaces(QUEUE_MAX),
      restores: new FairTurns(UNKNOWN_RESTORES_MAX),
      fetches: new FairTurns(fetchesMax - Math.floor(fetchesMax * KNOWN_SHARE)),
    };
  }

  /**
   * Begins what it takes to have one payload; undefined, with nothing begun, where too many wait already. `client` is who
   * asks for a key that is not known; undefined for one that is.
   */
  enter<Result>(
    client: string | undefined,
    begin: (turns: Turns) => Promise<Result>,
  ): Promise<Result> | undefined {
    return client === undefined ? this.#enterKnown(begin) : this.#enterUnknown(client, begin);
  }

  #enterKnown<Result>(begin: (turns: Turns) => Promise<Result>): Promise<Result> | undefined {
    const lane = this.#known;
    const turnAway = (): void => {
      this.#turnedAway.known += 1;
    };
    if (this.#knownWaiting >= QUEUE_MAX) {
      turnAway();
      return undefined;
    }
    lane.payloads += 1;
    const turns: Turns = {
      restore: (task) => task(),
      fetch: (task) =>
        lane.limit(() => {
          this.#tellIfNoneWaits();
          return this.#all(task);
        }),
      turnAway,
    };
    return begin(turns).finally(() => {
      lane.payloads -= 1;
      this.#tellIfNoneWaits();
    });
  }

  #enterUnknown<Result>(
    client: string,
    begin: (turns: Turns) => Promise<Result>,
  ): Promise<Result> | undefined {
    const { waiting, restores, fetches } = this.#unknown;
    const turnAway = (): void => {
      this.#turnedAway.unknown += 1;
    };
    if (waiting.isFull) {
      turnAway();
      const giver = waiting.giverTo(client);
      if (giver === undefined) return undefined;
      waiting.remove(giver);
      for (const turns of [restores, fetches]) turns.turnAway(giver);
    }
    const taker: TurnTaker = { client, isTurnedAway: false, wake: () => undefined };
    waiting.add(taker, client);
    const turns: Turns = {
      restore: (task) => restores.run(taker, task),
      fetch: (task) =>
        fetches.run(taker, () => {
          waiting.remove(taker);
          this.#tellIfNoneWaits();
          return this.#all(task);
        }),
      turnAway,
    };
    return begin(turns).finally(() => {
      waiting.remove(taker);
      this.#tellIfNoneWaits();
    });
  }

  /** Whether a payload waits for its turn. */
  get doesAnyWait(): boolean {
    return this.#unknown.waiting.size > 0 || this.#knownWaiting > 0;
  }

  /** Calls back once, as soon as none that waits now or later is left; returns what takes that back. */
  onceNoneWaits(listener: () => void): Cancel {
    this.#listening.add(listener);
    return () => this.#listening.delete(listener);
  }

  /** Sizes of the tables, against their limits. */
  get gauges(): Gauges {
    return {
      coldFetchesInFlight: { entries: this.#all.activeCount, entriesMax: this.#all.concurrency },
      coldFetchesWaiting: {
        entries: this.#unknown.waiting.size,
        entriesMax: QUEUE_MAX,
        reached: this.#turnedAway.unknown,
      },
      coldFetchesOfKnownKeysWaiting: {
        entries: this.#knownWaiting,
        entriesMax: QUEUE_MAX,
        reached: this.#turnedAway.known,
      },
    };
  }

  #tellIfNoneWaits(): void {
    if (this.doesAnyWait) return;
    for (const listener of this.#listening) {
      this.#listening.delete(listener);
      listener();
    }
  }

  get #knownWaiting(): number {
    return this.#known.payloads - this.#known.limit.activeCount;
  }
}

/** The turns of one payload. */
export interface Turns {
  /** For asking backups: what is at hand need not wait for an origin that answers nobody. */
  restore<Result>(task: () => Promise<Result>): Promise<Result | typeof TURNED_AWAY>;
  fetch<Result>(task: () => Promise<Result>): Promise<Result | typeof TURNED_AWAY>;
  /** Its turn came too late. */
  turnAway(): void;
}
