// What the outcome of a fetch does to the store: the only switch over outcomes.
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { FetchOutcome, Origin } from '../sources/origin.js';
import type { PayloadStore } from './payload-store.js';

/** Told of every outcome, after the store knows it. */
export interface OutcomeListener {
  fetched(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, latencyMs: number): void;
}

export type RefreshEffect = 'stored' | 'confirmed' | 'removed' | 'none';

export interface RefresherOptions {
  /** Drop what is held of a payload when the origin refuses its key; off, it goes on being served. */
  readonly clearOnUnauthorized: boolean;
}

export class Refresher {
  readonly #clock: Clock;
  readonly #origin: Origin;
  readonly #store: PayloadStore;
  readonly #listener: OutcomeListener;
  readonly #options: RefresherOptions;
  readonly #inFlight = new Map<string, Promise<FetchOutcome>>();

  constructor(
    clock: Clock,
    origin: Origin,
    store: PayloadStore,
    listener: OutcomeListener,
    options: RefresherOptions,
  ) {
    this.#clock = clock;
    this.#origin = origin;
    this.#store = store;
    this.#listener = listener;
    this.#options = options;
  }

  /** Fetches the payload and takes the answer in; never rejects. Who asks while a fetch runs gets that one's outcome. */
  refresh(key: PayloadKey): Promise<FetchOutcome> {
    const id = payloadId(key);
    const running = this.#inFlight.get(id);
    if (running !== undefined) return running;
    const flight = this.#fetch(key).finally(() => this.#inFlight.delete(id));
    this.#inFlight.set(id, flight);
    return flight;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  async #fetch(key: PayloadKey): Promise<FetchOutcome> {
    const startMs = this.#clock.monotonicMs();
    const sinceTime = this.#store.peek(key)?.payload.version ?? 0;
    const outcome = await this.#origin.fetch(key, sinceTime);
    const effect = this.#takeIn(key, outcome);
    this.#listener.fetched(key, outcome, effect, this.#clock.monotonicMs() - startMs);
    return outcome;
  }

  #takeIn(key: PayloadKey, outcome: FetchOutcome): RefreshEffect {
    switch (outcome.kind) {
      case 'updated':
        return this.#store.apply(key, outcome.payload).changed ? 'stored' : 'none';
      case 'unchanged':
        this.#store.confirm(key);
        return 'confirmed';
      case 'unauthorized':
        return this.#options.clearOnUnauthorized && this.#store.remove(key) ? 'removed' : 'none';
      case 'failed':
        return 'none';
    }
  }
}
