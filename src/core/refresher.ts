// What the outcome of a fetch does to the store: the only switch over outcomes.
import type { Clock } from '../domain/clock.js';
import { failed } from '../domain/failure.js';
import { Listeners } from '../domain/listeners.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { isInFuture, isNewer } from '../domain/version.js';
import type { Encoding, Payload } from '../domain/payload.js';
import type { FetchOutcome, Origin } from './origin.js';
import type { ColdMemory } from './cold-memory.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';

/** Told of every outcome, after the store knows it. */
export interface OutcomeListener {
  fetched(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, latencyMs: number): void;
}

/** Why an answer that is sound in itself was not taken. Stable and machine-readable. */
export type RefreshFailureReason = typeof VERSION_IN_FUTURE;
/** It would replace what is held until its time has come. */
export const VERSION_IN_FUTURE = 'version_in_future';

export type RefreshEffect =
  | 'stored'
  | 'confirmed'
  | 'removed'
  /** The payload left the store while it was being asked for: the answer is nobody's. */
  | 'dropped'
  | 'none';

/** What a version that is newly arrived has to wait for before it is held; never rejects. */
export type Arriving = (key: PayloadKey, payload: Payload) => Promise<void>;

export interface Refreshed {
  readonly outcome: FetchOutcome;
  /** What was held right after it: a later moment may hold nothing, where other keys needed the place. */
  readonly held: HeldPayload | undefined;
}

interface Flight {
  readonly sinceTime: number;
  readonly refreshed: Promise<Refreshed>;
}

export class Refresher {
  readonly #clock: Clock;
  readonly #origin: Origin;
  readonly #store: PayloadStore;
  readonly #memory: ColdMemory;
  readonly #listeners = new Listeners<OutcomeListener>();
  readonly #clearOnUnauthorized: boolean;
  readonly #arriving: Arriving | undefined;
  readonly #flights = new Map<string, Flight>();

  /** `clearOnUnauthorized`: drop what is held of a payload when the origin refuses its key; off, it goes on being served. */
  constructor(
    clock: Clock,
    origin: Origin,
    { store, memory }: { readonly store: PayloadStore; readonly memory: ColdMemory },
    clearOnUnauthorized: boolean,
    arriving?: Arriving,
  ) {
    this.#clock = clock;
    this.#origin = origin;
    this.#store = store;
    this.#memory = memory;
    this.#clearOnUnauthorized = clearOnUnauthorized;
    this.#arriving = arriving;
  }

  subscribe(listener: OutcomeListener): void {
    this.#listeners.add(listener);
  }

  /**
   * Fetches the payload and takes the answer in; never rejects. A call while a fetch is running shares its outcome.
   * `wanted` is the encoding that the first client reads; what is held already is asked for in the encoding it has.
   */
  refresh(key: PayloadKey, wanted?: Encoding): Promise<Refreshed> {
    const id = payloadId(key);
    const sinceTime = this.#sinceTime(key);
    const running = this.#flights.get(id);
    // A fetch for changes since a version that was dropped cannot answer a client that has nothing.
    if (running !== undefined && (running.sinceTime === 0 || sinceTime > 0)) return running.refreshed;
    const flight: Flight = { sinceTime, refreshed: this.#fetch(key, sinceTime, wanted) };
    this.#flights.set(id, flight);
    return flight.refreshed.finally(() => {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    });
  }

  async #fetch(key: PayloadKey, sinceTime: number, wanted: Encoding | undefined): Promise<Refreshed> {
    const startMs = this.#clock.monotonicMs();
    const encoding = this.#store.peek(key)?.payload.originForm.encoding ?? wanted;
    const answer = await this.#origin.fetch(key, sinceTime, encoding);
    const latencyMs = this.#clock.monotonicMs() - startMs;
    if (answer.kind === 'updated' && answer.payload.version !== this.#store.peek(key)?.payload.version) {
      await this.#arriving?.(key, answer.payload);
    }
    const outcome = this.#judge(key, answer);
    const wasLost = sinceTime > 0 && this.#store.peek(key) === undefined;
    const effect = wasLost ? 'dropped' : this.#takeIn(key, outcome);
    const held = this.#store.peek(key);
    if (held !== undefined) this.#memory.forget(payloadId(key));
    else if (!wasLost) this.#memory.learn(key, outcome);
    this.#listeners.tell((listener) => {
      listener.fetched(key, outcome, effect, latencyMs);
    });
    return { outcome, held };
  }

  /** An origin that was told of a version in the future would say that nothing is newer. */
  #sinceTime(key: PayloadKey): number {
    const held = this.#store.peek(key)?.payload.version ?? 0;
    return isInFuture(held, this.#clock.nowMs()) ? 0 : held;
  }

  #judge(key: PayloadKey, outcome: FetchOutcome): FetchOutcome {
    const held = this.#store.peek(key)?.payload;
    if (outcome.kind !== 'updated' || held === undefined) return outcome;
    const { version, originForm } = outcome.payload;
    const nowMs = this.#clock.nowMs();
    if (key.kind.versions === 'assigned') {
      // Always sent whole, and as if it were new: its bytes tell whether it is. SFP writes each one into Redis with version
      // 0, which says nothing about which of them is held: that becomes a version here, as does one in the future.
      const isSame = originForm.etag === held.originForm.etag && held.version > 0;
      if (!isSame || isInFuture(held.version, nowMs)) return outcome;
      const { relayedMs } = outcome;
      return { kind: 'unchanged', ...(relayedMs !== undefined && { relayedMs }) };
    }
    const isTaken = version === held.version || isNewer(version, held.version, nowMs);
    if (isTaken || !isInFuture(version, nowMs)) return outcome;
    return failed(VERSION_IN_FUTURE, `time ${version} where this machine's clock says ${nowMs}`);
  }

  #takeIn(key: PayloadKey, outcome: FetchOutcome): RefreshEffect {
    switch (outcome.kind) {
      case 'updated':
        if (this.#store.apply(key, outcome.payload, 0, outcome.relayedMs)) return 'stored';
        // Sent whole though it is held, as a spec whose time is 0 always is.
        if (this.#store.peek(key)?.payload.version !== outcome.payload.version) return 'none';
        this.#store.confirm(key, 0, outcome.relayedMs);
        return 'confirmed';
      case 'unchanged':
        this.#store.confirm(key, 0, outcome.relayedMs);
        return 'confirmed';
      case 'unauthorized':
        return this.#clearOnUnauthorized && this.#store.remove(key) ? 'removed' : 'none';
      case 'failed':
        return 'none';
    }
  }
}
