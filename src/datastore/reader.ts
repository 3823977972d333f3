// The read path: a hit is a lookup; a miss is one upstream fetch for everybody who waits for that payload.
import { createConcurrencyLimit, type ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { FetchOutcome } from '../sources/origin.js';
import { ExpiringMemory } from './expiring-memory.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import type { Refresher } from './refresher.js';

const FAILURE_REMEMBERED_MS = 1_000;
const REFUSAL_REMEMBERED_MS = 10_000;
const REMEMBERED_ENTRIES_MAX = 10_000;
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

type Remembered = Exclude<Reading, { kind: 'held' }>;

export class Reader {
  readonly #clock: Clock;
  readonly #store: PayloadStore;
  readonly #refresher: Refresher;
  readonly #limit: ConcurrencyLimit;
  readonly #flights = new Map<string, Promise<Reading>>();
  readonly #failures: ExpiringMemory<Remembered>;
  readonly #refusals: ExpiringMemory<Remembered>;

  constructor(clock: Clock, store: PayloadStore, refresher: Refresher, options: ReaderOptions) {
    this.#clock = clock;
    this.#store = store;
    this.#refresher = refresher;
    this.#limit = createConcurrencyLimit(options.coldFetchesMax);
    this.#failures = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
    this.#refusals = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
  }

  /** A value where the answer is known, a promise where it has to be fetched; that promise never rejects. */
  read(key: PayloadKey): Reading | Promise<Reading> {
    const held = this.#store.read(key);
    if (held !== undefined) return { kind: 'held', held };
    const id = payloadId(key);
    return this.#recall(id) ?? this.#flights.get(id) ?? this.#fetchCold(id, key);
  }

  /** Sizes of the tables, against their limits. */
  get tables(): Readonly<Record<string, { readonly entries: number; readonly entriesMax: number }>> {
    return {
      failuresRemembered: { entries: this.#failures.entries, entriesMax: this.#failures.entriesMax },
      refusalsRemembered: { entries: this.#refusals.entries, entriesMax: this.#refusals.entriesMax },
      coldFetchesInFlight: { entries: this.#limit.activeCount, entriesMax: this.#limit.concurrency },
      coldFetchesWaiting: { entries: this.#limit.pendingCount, entriesMax: COLD_QUEUE_MAX },
    };
  }

  #recall(id: string): Reading | undefined {
    const known = this.#refusals.recall(id) ?? this.#failures.recall(id);
    if (known === undefined) return undefined;
    return known.value.kind === 'unavailable' ? { ...known.value, retryAfterMs: known.leftMs } : known.value;
  }

  #fetchCold(id: string, key: PayloadKey): Reading | Promise<Reading> {
    if (!this.#store.hasRoomFor(key.sdkKey))
      return unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS);
    if (this.#limit.pendingCount >= COLD_QUEUE_MAX) {
      return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
    }
    const queuedMs = this.#clock.monotonicMs();
    const flight = this.#limit(async () => {
      if (this.#clock.monotonicMs() - queuedMs > COLD_QUEUE_WAIT_MS_MAX) {
        return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
      }
      return this.#conclude(id, key, await this.#refresher.refresh(key));
    }).finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
  }

  #conclude(id: string, key: PayloadKey, outcome: FetchOutcome): Reading {
    const held = this.#store.read(key);
    if (held !== undefined) {
      this.#failures.forget(id);
      this.#refusals.forget(id);
      return { kind: 'held', held };
    }
    if (outcome.kind === 'unauthorized') {
      const refused: Reading = { kind: 'refused' };
      this.#refusals.remember(id, refused, REFUSAL_REMEMBERED_MS);
      return refused;
    }
    const reason = outcome.kind === 'failed' ? outcome.reason : 'not_kept';
    const retryAfterMs = outcome.kind === 'failed' ? (outcome.retryAfterMs ?? 0) : 0;
    const failure = unavailable('origin_failing', Math.max(retryAfterMs, FAILURE_REMEMBERED_MS), reason);
    this.#failures.remember(id, failure, failure.retryAfterMs);
    return failure;
  }
}

function unavailable(
  cause: Extract<Reading, { kind: 'unavailable' }>['cause'],
  retryAfterMs: number,
  detail = '',
): Extract<Reading, { kind: 'unavailable' }> {
  return { kind: 'unavailable', cause, detail, retryAfterMs };
}
