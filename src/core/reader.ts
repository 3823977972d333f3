// The read path: a hit is a lookup; a miss is one upstream fetch shared by all requests that wait for that payload.
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { Encoding } from '../domain/payload.js';
import { ownCopy } from '../domain/own-copy.js';
import type { Gauges } from '../observability/gauges.js';
import type { ColdMemory, Remembered } from './cold-memory.js';
import { ColdTurns, type Turns } from './cold-turns.js';
import { TURNED_AWAY } from './fair-turns.js';
import { ExpiringMemory } from './expiring-memory.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';
import type { Refresher } from './refresher.js';

/** A client that has waited longer than this has given up: SDKs wait 3 to 10 s. */
const COLD_QUEUE_WAIT_MS_MAX = 10_000;
const BUSY_RETRY_AFTER_MS = 1_000;
/** Of what first fetches go before: strangers can keep some waiting without end. */
const HELD_BACK_MS_MAX = 1_000;
/** While the origin fails for a payload, backups are looked at so often. */
const LOOK_AGAIN_MS = 1_000;
const LOOKED_ENTRIES_MAX = 10_000;

export type Reading =
  | { readonly kind: 'held'; readonly held: HeldPayload }
  /** The origin refused the key. */
  | { readonly kind: 'refused' }
  /** Only pinned keys are served, and this is not one of them. */
  | { readonly kind: 'not_pinned' }
  | {
      readonly kind: 'unavailable';
      readonly cause: 'origin_failing' | 'too_many_cold_fetches' | 'sdk_keys_limit_reached';
      /** What the origin did, where that is the cause: the reason of a failure. */
      readonly detail: string;
      readonly retryAfterMs: number;
    };

/** The client, as far as it matters on a miss. */
export interface Asker {
  /** Clients of different addresses take turns where they ask for keys that are not known. */
  readonly ip: string;
  /** What the origin is asked to send, so that the client's answer needs no recompressing; undefined where any will do. */
  readonly wanted?: Encoding | undefined;
}

const OURSELVES: Asker = { ip: '' };

export interface ReaderOptions {
  readonly coldFetchesMax: number;
  /** Whether the key is served at all. */
  readonly admits: (sdkKey: string) => boolean;
}

/** Looks for a payload where specs outlive the process, and holds it if it is there; never rejects. */
export type Restore = (key: PayloadKey) => Promise<HeldPayload | undefined>;

export class Reader {
  readonly #clock: Clock;
  readonly #store: PayloadStore;
  readonly #memory: ColdMemory;
  readonly #refresher: Refresher;
  readonly #restore: Restore | undefined;
  readonly #turns: ColdTurns;
  readonly #admits: ReaderOptions['admits'];
  readonly #flights = new Map<string, Promise<Reading>>();
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
    this.#turns = new ColdTurns(options.coldFetchesMax);
    this.#admits = options.admits;
    this.#looked = new ExpiringMemory(clock, LOOKED_ENTRIES_MAX);
  }

  /** A value where the answer is known, a promise where it has to be fetched; that promise never rejects. */
  read(key: PayloadKey, asker: Asker = OURSELVES): Reading | Promise<Reading> {
    if (!this.#admits(key.sdkKey)) return { kind: 'not_pinned' };
    const held = this.#store.read(key);
    if (held !== undefined) return { kind: 'held', held };
    const id = payloadId(key);
    const known = this.#memory.recall(id);
    if (known !== undefined && !this.#mayBeElsewhere(id, known)) return toReading(known);
    return this.#flights.get(id) ?? this.#fetchCold(key, asker);
  }

  /** Resolves when no payload waits for its first fetch, or after a second: for work that takes CPU from those. */
  firstFetchesFirst(): Promise<void> {
    if (!this.#turns.doesAnyWait) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        stopListening();
        stopWaiting();
        resolve();
      };
      const stopWaiting = this.#clock.schedule(HELD_BACK_MS_MAX, go);
      const stopListening = this.#turns.onceNoneWaits(go);
    });
  }

  /** Sizes of the tables, against their limits. */
  get gauges(): Gauges {
    return { ...this.#memory.gauges, ...this.#turns.gauges };
  }

  #fetchCold(asked: PayloadKey, asker: Asker): Reading | Promise<Reading> {
    if (!this.#store.hasRoomFor(asked.sdkKey))
      return unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS);
    // From here on the key goes into tables.
    const key = { ...asked, sdkKey: ownCopy(asked.sdkKey) };
    const id = payloadId(key);
    const restore = this.#restore;
    const { wanted } = asker;
    const fetched = this.#turns.enter(this.#isKnown(key.sdkKey) ? undefined : asker.ip, (turns) =>
      restore === undefined
        ? this.#fetch(key, turns, wanted)
        : this.#restoreOrFetch(key, turns, restore, wanted),
    );
    if (fetched === undefined) return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
    const flight = fetched
      .then((reading) => {
        // Now that it is held, it counts as asked for.
        if (reading.kind === 'held') this.#store.read(key);
        return reading;
      })
      .finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
  }

  /** Nobody invented the key: an operator named it, or the origin gave a spec for it. */
  #isKnown(sdkKey: string): boolean {
    return this.#store.isPinned(sdkKey) || this.#store.holds(sdkKey) || this.#memory.isGood(sdkKey);
  }

  /** Another replica may have got what the origin did not give us: looked for again from time to time. */
  #mayBeElsewhere(id: string, known: Remembered): boolean {
    if (this.#restore === undefined || known.kind !== 'failed' || this.#looked.recall(id) !== undefined)
      return false;
    this.#looked.remember(id, {}, LOOK_AGAIN_MS);
    return true;
  }

  async #restoreOrFetch(
    key: PayloadKey,
    turns: Turns,
    restore: Restore,
    wanted: Encoding | undefined,
  ): Promise<Reading> {
    const held = await turns.restore(() => restore(key));
    if (held === TURNED_AWAY) return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
    if (held !== undefined) return { kind: 'held', held };
    const known = this.#memory.recall(payloadId(key));
    return known === undefined ? await this.#fetch(key, turns, wanted) : toReading(known);
  }

  async #fetch(key: PayloadKey, turns: Turns, wanted: Encoding | undefined): Promise<Reading> {
    const queuedMs = this.#clock.monotonicMs();
    const reading = await turns.fetch(async () => {
      if (this.#clock.monotonicMs() - queuedMs > COLD_QUEUE_WAIT_MS_MAX) {
        turns.turnAway();
        return unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS);
      }
      const { held } = await this.#refresher.refresh(key, wanted);
      if (held !== undefined) return { kind: 'held', held } as const;
      const known = this.#memory.recall(payloadId(key));
      // A good answer that is not held met a store whose every place is taken by keys that stay.
      return known === undefined
        ? unavailable('sdk_keys_limit_reached', BUSY_RETRY_AFTER_MS)
        : toReading(known);
    });
    return reading === TURNED_AWAY ? unavailable('too_many_cold_fetches', BUSY_RETRY_AFTER_MS) : reading;
  }
}

function toReading(known: Remembered): Reading {
  return known.kind === 'refused' ? known : unavailable('origin_failing', known.leftMs, known.reason);
}

function unavailable(
  cause: Extract<Reading, { kind: 'unavailable' }>['cause'],
  retryAfterMs: number,
  detail = '',
): Extract<Reading, { kind: 'unavailable' }> {
  return { kind: 'unavailable', cause, detail, retryAfterMs };
}
