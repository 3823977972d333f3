// The read path: a hit is a lookup; a miss is one upstream fetch for everybody who waits for that payload.
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { Gauges } from '../observability/gauges.js';
import type { ColdMemory, Remembered } from './cold-memory.js';
import { ExpiringMemory } from './expiring-memory.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import type { Refresher } from './refresher.js';

/** Cold payloads that wait for their turn; more are turned away at once. */
const COLD_QUEUE_MAX = 1_000;
/** Who waited longer for a turn has given up: SDKs wait 3 to 10 s. */
const COLD_QUEUE_WAIT_MS_MAX = 10_000;
const BUSY_RETRY_AFTER_MS = 1_000;
/** While the origin fails for a payload, backups are looked at so often. */
const LOOK_AGAIN_MS = 1_000;
const LOOKED_ENTRIES_MAX = 10_000;

export type Reading =
  | { readonly kind: 'held'; readonly held: HeldPayload }
  /** The origin refused the key. */
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'unavailable';
      readonly cause: 'origin_failing' | 'too_many_cold_fetches' | 'sdk_keys_limit_reached';
      /** What the origin did, where that is the cause: the reason of a failure. */
      readonly detail: string;
      readonly retryAfterMs: number;
    };

export interface ReaderOptions {
  readonly coldFetchesMax: number;
}

/** Looks for a payload where specs outlive the process, and holds it if it is there; never rejects. */
export type Restore = (key: PayloadKey) => Promise<HeldPayload | undefined>;

export class Reader {
  readonly #clock: Clock;
  readonly #store: PayloadStore;
  readonly #memory: ColdMemory;
  readonly #refresher: Refresher;
  readonly #restore: Restore | undefined;
  readonly #limit: ConcurrencyLimit;
  readonly #flights = new Map<string, Promise<Reading>>();
  /** For want of a place in the queue, or as their turn came too late. */
  #turnedAway = 0;
  /** Payloads that no backup had a moment ago. */
  readonly #looked: ExpiringMemory<object>;

  constructor(
    clock: Clock,
    { store, memory }: { readonly store: PayloadStore; readonly memory: ColdMemory },
    refresher: Refresher,
    restore: Restore | undefined,
    options: ReaderOptions,
  ) {
    this.#clock = clock;
    this.#store = store;
    this.#memory = memory;
    this.#refresher = refresher;
    this.#restore = restore;
    this.#limit = createConcurrencyLimit(options.coldFetchesMax);
    this.#looked = new ExpiringMemory(clock, LOOKED_ENTRIES_MAX);
  }

  /** A value where the answer is known, a promise where it has to be fetched; that promise never rejects. */
  read(key: PayloadKey): Reading | Promise<Reading> {
    const held = this.#store.read(key);
    if (held !== undefined) return { kind: 'held', held };
    const id = payloadId(key);
    const known = this.#memory.recall(id);
    if (known !== undefined && !this.#mayBeElsewhere(id, known)) return toReading(known);
    return this.#flights.get(id) ?? this.#fetchCold(key);
  }

  /** Sizes of the tables, against their limits. */
  get gauges(): Gauges {
    return {
      ...this.#memory.gauges,
      coldFetchesInFlight: { entries: this.#limit.activeCount, entriesMax: this.#limit.concurrency },
      coldFetchesWaiting: {
        entries: this.#flights.size - this.#limit.activeCount,
        entriesMax: COLD_QUEUE_MAX,
        reached: this.#turnedAway,
      },
    };
  }

  #fetchCold(asked: PayloadKey): Reading | Promise<Reading> {
    if (!this.#store.hasRoomFor(asked.sdkKey))
      return unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS);
    if (this.#flights.size - this.#limit.activeCount >= COLD_QUEUE_MAX) {
      this.#turnedAway += 1;
      return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
    }
    // From here on the key goes into tables.
    const key = { ...asked, sdkKey: ownCopy(asked.sdkKey) };
    const id = payloadId(key);
    const fetched = this.#restore === undefined ? this.#fetch(key) : this.#restoreOrFetch(key, this.#restore);
    const flight = fetched.finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
  }

  /** Another replica may have got what the origin did not give us: looked for again from time to time. */
  #mayBeElsewhere(id: string, known: Remembered): boolean {
    if (this.#restore === undefined || known.kind !== 'failed' || this.#looked.recall(id) !== undefined)
      return false;
    this.#looked.remember(id, {}, LOOK_AGAIN_MS);
    return true;
  }

  /** Outside the limit of fetches: what is at hand need not wait for an origin that answers nobody. */
  async #restoreOrFetch(key: PayloadKey, restore: Restore): Promise<Reading> {
    const held = await restore(key);
    if (held !== undefined) return { kind: 'held', held };
    const known = this.#memory.recall(payloadId(key));
    return known === undefined ? await this.#fetch(key) : toReading(known);
  }

  #fetch(key: PayloadKey): Promise<Reading> {
    const queuedMs = this.#clock.monotonicMs();
    return this.#limit(async () => {
      if (this.#clock.monotonicMs() - queuedMs > COLD_QUEUE_WAIT_MS_MAX) {
        this.#turnedAway += 1;
        return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
      }
      const { held } = await this.#refresher.refresh(key);
      if (held !== undefined) return { kind: 'held', held } as const;
      const known = this.#memory.recall(payloadId(key));
      // A good answer that is not held met a store whose every place is taken by keys that stay.
      return known === undefined
        ? unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS)
        : toReading(known);
    });
  }
}

function toReading(known: Remembered): Reading {
  return known.kind === 'refused' ? known : unavailable('origin_failing', known.leftMs, known.reason);
}

/**
 * A string with bytes of its own. One cut out of a URL keeps that whole URL alive, and a table of 10,000 refused keys
 * would hold as many URLs: 165 MB where they are padded. Valid keys are ASCII.
 */
function ownCopy(sdkKey: string): string {
  return Buffer.from(sdkKey, 'latin1').toString('latin1');
}

function unavailable(
  cause: Extract<Reading, { kind: 'unavailable' }>['cause'],
  retryAfterMs: number,
  detail = '',
): Extract<Reading, { kind: 'unavailable' }> {
  return { kind: 'unavailable', cause, detail, retryAfterMs };
}
