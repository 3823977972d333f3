// The read path: a hit is a lookup; a miss is one upstream fetch for everybody who waits for that payload.
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { ColdMemory, Remembered } from './cold-memory.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import type { Refresher } from './refresher.js';

/** Cold payloads that wait for their turn; more are turned away at once. */
const COLD_QUEUE_MAX = 1_000;
/** Who waited longer for a turn has given up: SDKs wait 3 to 10 s. */
const COLD_QUEUE_WAIT_MS_MAX = 10_000;
const BUSY_RETRY_AFTER_MS = 1_000;

export type Reading =
  | { readonly kind: 'held'; readonly held: HeldPayload }
  /** The origin refused the key. */
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'unavailable';
      readonly cause: 'origin_failing' | 'too_many_cold_fetches' | 'sdk_keys_limit_reached';
      /** What the origin did, where that is the cause: a FailureReason. */
      readonly detail: string;
      readonly retryAfterMs: number;
    };

export interface ReaderOptions {
  readonly coldFetchesMax: number;
}

export class Reader {
  readonly #clock: Clock;
  readonly #store: PayloadStore;
  readonly #memory: ColdMemory;
  readonly #refresher: Refresher;
  readonly #limit: ConcurrencyLimit;
  readonly #flights = new Map<string, Promise<Reading>>();

  constructor(
    clock: Clock,
    { store, memory }: { readonly store: PayloadStore; readonly memory: ColdMemory },
    refresher: Refresher,
    options: ReaderOptions,
  ) {
    this.#clock = clock;
    this.#store = store;
    this.#memory = memory;
    this.#refresher = refresher;
    this.#limit = createConcurrencyLimit(options.coldFetchesMax);
  }

  /** A value where the answer is known, a promise where it has to be fetched; that promise never rejects. */
  read(key: PayloadKey): Reading | Promise<Reading> {
    const held = this.#store.read(key);
    if (held !== undefined) return { kind: 'held', held };
    const id = payloadId(key);
    const known = this.#memory.recall(id);
    if (known !== undefined) return toReading(known);
    return this.#flights.get(id) ?? this.#fetchCold(key);
  }

  /** Sizes of the tables, against their limits. */
  get tables(): ColdMemory['tables'] {
    return {
      ...this.#memory.tables,
      coldFetchesInFlight: { entries: this.#limit.activeCount, entriesMax: this.#limit.concurrency },
      coldFetchesWaiting: { entries: this.#limit.pendingCount, entriesMax: COLD_QUEUE_MAX },
    };
  }

  #fetchCold(asked: PayloadKey): Reading | Promise<Reading> {
    if (!this.#store.hasRoomFor(asked.sdkKey))
      return unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS);
    if (this.#limit.pendingCount >= COLD_QUEUE_MAX) {
      return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
    }
    // From here on the key goes into tables.
    const key = { ...asked, sdkKey: ownCopy(asked.sdkKey) };
    const id = payloadId(key);
    const queuedMs = this.#clock.monotonicMs();
    const flight = this.#limit(async () => {
      if (this.#clock.monotonicMs() - queuedMs > COLD_QUEUE_WAIT_MS_MAX) {
        return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
      }
      const { held } = await this.#refresher.refresh(key);
      if (held !== undefined) return { kind: 'held', held } as const;
      const known = this.#memory.recall(id);
      // A good answer that is not held met a store whose every place is taken by keys that stay.
      return known === undefined
        ? unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS)
        : toReading(known);
    }).finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
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
