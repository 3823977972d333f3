// What the outcome of a fetch does to the store: the only switch over outcomes.
import type { Clock } from '../domain/clock.js';
import { failed } from '../domain/failure.js';
import { Listeners } from '../domain/listeners.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { isInFuture, isNewer } from '../domain/version.js';
import type { Encoding, Payload } from '../domain/payload.js';
import type { FetchOutcome, Origin } from './origin.js';
import type { ColdMemory } from './cold-memory.js';
import type { Holds } from './holds/holds.js';
import type { HeldPayload, PayloadStore } from './payload-store.js';

/** Told of every outcome, after the store knows it. */
export interface OutcomeListener {
  fetched(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, latencyMs: number): void;
  /** The same for what the origin told without being asked. */
  heard?(key: PayloadKey, told: Told, effect: RefreshEffect): void;
}

/** What an origin tells without being asked: a newer version, or that what is held is the newest. */
export type Told = Extract<FetchOutcome, { readonly kind: 'updated' | 'unchanged' }>;

/** Why an answer that is sound in itself was not taken. Stable and machine-readable. */
export type RefreshFailureReason = typeof VERSION_IN_FUTURE | 'version_not_raised';
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

/** Puts a hold on the payload where this version is not to be served yet; never rejects. */
export type Judging = (key: PayloadKey, payload: Payload) => Promise<void>;

export interface Refreshed {
  readonly outcome: FetchOutcome;
  /** What was held right after it: a later moment may hold nothing, where other keys needed the place. */
  readonly held: HeldPayload | undefined;
}

export interface RefresherRooms {
  readonly store: PayloadStore;
  readonly memory: ColdMemory;
  /** What operators decided; nothing where left out. */
  readonly holds?: Holds;
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
  readonly #holds: Holds | undefined;
  readonly #flights = new Map<string, Flight>();
  #guard: Judging | undefined;

  /** `clearOnUnauthorized`: drop what is held of a payload when the origin refuses its key; off, it goes on being served. */
  constructor(
    clock: Clock,
    origin: Origin,
    { store, memory, holds }: RefresherRooms,
    clearOnUnauthorized: boolean,
    arriving?: Arriving,
  ) {
    this.#clock = clock;
    this.#origin = origin;
    this.#store = store;
    this.#memory = memory;
    this.#holds = holds;
    this.#clearOnUnauthorized = clearOnUnauthorized;
    this.#arriving = arriving;
  }

  /** From now on each version that comes is judged before it is taken in. */
  guardBy(guard: Judging): void {
    this.#guard = guard;
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

  /** To be awaited before `hear` takes in a version. Never rejects. */
  async judge(key: PayloadKey, payload: Payload): Promise<void> {
    await this.#guard?.(key, payload);
  }

  /** Takes in what the origin tells of a payload that is held, without being asked. */
  hear(key: PayloadKey, told: Told): RefreshEffect {
    const effect = this.#takeIn(key, told);
    this.#listeners.tell((listener) => listener.heard?.(key, told, effect));
    return effect;
  }

  async #fetch(key: PayloadKey, sinceTime: number, wanted: Encoding | undefined): Promise<Refreshed> {
    const startMs = this.#clock.monotonicMs();
    const encoding = this.#store.peek(key)?.payload.originForm.encoding ?? wanted;
    const answer = await this.#raised(key, await this.#origin.fetch(key, sinceTime, encoding));
    const latencyMs = this.#clock.monotonicMs() - startMs;
    if (answer.kind === 'updated') await this.judge(key, answer.payload);
    if (answer.kind === 'updated' && this.#isNews(key, answer.payload)) {
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
    if (isInFuture(held, this.#clock.nowMs())) return 0;
    const rule = this.#holds?.ruleFor(key);
    if (rule?.version !== held) return held;
    // What is held was made for an operator: the origin may have nothing that is newer, and is to be served all the same.
    return rule.kind === 'returning' ? 0 : Math.max(held, this.#holds?.waitingOf(key) ?? 0);
  }

  #isNews(key: PayloadKey, { version }: Payload): boolean {
    return version !== this.#store.peek(key)?.payload.version && !this.#isHeldBack(key, version);
  }

  /** A hold demands the version that is held, and this is another one. */
  #isHeldBack(key: PayloadKey, version: number): boolean {
    const held = this.#store.peek(key)?.payload.version;
    return held !== undefined && held !== version && this.#holds?.demands(key, held) === true;
  }

  /** After a rollback the origin's newest is served with a version above the one that clients hold. */
  async #raised(key: PayloadKey, answer: FetchOutcome): Promise<FetchOutcome> {
    const rule = this.#holds?.ruleFor(key);
    if (answer.kind !== 'updated' || rule?.kind !== 'returning') return answer;
    const { version } = answer.payload;
    if (this.#store.peek(key)?.payload.version !== rule.version || version > rule.version) return answer;
    const detail = `time ${version}, where clients hold ${rule.version}`;
    try {
      const payload = await key.kind.restate?.(this.#clock, answer.payload, rule.version + 1);
      return payload === undefined ? failed('version_not_raised', detail) : { ...answer, payload };
    } catch (error) {
      return failed('version_not_raised', `${detail}: ${error instanceof Error ? error.message : ''}`);
    }
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
        return this.#takeUpdate(key, outcome.payload, outcome.relayedMs);
      case 'unchanged':
        this.#store.confirm(key, 0, outcome.relayedMs);
        return 'confirmed';
      case 'unauthorized':
        if (!this.#clearOnUnauthorized || this.#holds?.isOrdered(key) === true) return 'none';
        return this.#store.remove(key) ? 'removed' : 'none';
      case 'failed':
        return 'none';
    }
  }

  #takeUpdate(key: PayloadKey, payload: Payload, relayedMs: number | undefined): RefreshEffect {
    const isHeldBack = this.#isHeldBack(key, payload.version);
    if (isHeldBack) this.#holds?.heldBack(key, payload.version);
    else {
      if (this.#store.apply(key, payload, { relayedMs })) return 'stored';
      // Sent whole though it is held, as a spec whose time is 0 always is.
      if (this.#store.peek(key)?.payload.version !== payload.version) return 'none';
    }
    this.#store.confirm(key, 0, relayedMs);
    return 'confirmed';
  }
}
