// What is remembered of fetches for payloads that nobody holds: refusals and failures, and which keys were good before.
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { Gauges } from '../observability/gauges.js';
import type { FetchOutcome } from './origin.js';
import { ExpiringMemory } from './expiring-memory.js';

const FAILURE_REMEMBERED_MS = 1_000;
const REFUSAL_REMEMBERED_MS = 10_000;
const REMEMBERED_ENTRIES_MAX = 10_000;
/** A key that was good stays known for so long after it left to make room, unless it is refused. */
const GOOD_REMEMBERED_MS = 86_400_000;

export type Remembered =
  | { readonly kind: 'refused' }
  /** `leftMs`: how long the origin is not asked again. */
  | { readonly kind: 'failed'; readonly reason: string; readonly leftMs: number };

/** Fed by every fetch, including polls: a refused poll also spares the next client's request. */
export class ColdMemory {
  readonly #failures: ExpiringMemory<{ readonly reason: string }>;
  readonly #refusals: ExpiringMemory<object>;
  /** By SDK key. */
  readonly #good: ExpiringMemory<object>;

  constructor(clock: Clock) {
    this.#failures = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
    this.#refusals = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
    this.#good = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
  }

  /** Learns the outcome for a payload that is not held now. */
  learn(key: PayloadKey, outcome: FetchOutcome): void {
    const id = payloadId(key);
    if (outcome.kind === 'unauthorized') {
      this.#refusals.remember(id, {}, REFUSAL_REMEMBERED_MS);
      this.#good.forget(key.sdkKey);
    }
    if (outcome.kind === 'failed') {
      const forMs = Math.max(outcome.retryAfterMs ?? 0, FAILURE_REMEMBERED_MS);
      this.#failures.remember(id, { reason: outcome.reason }, forMs);
    }
  }

  /** Something of the key was held, and is held no more. */
  left(sdkKey: string): void {
    this.#good.remember(sdkKey, {}, GOOD_REMEMBERED_MS);
  }

  isGood(sdkKey: string): boolean {
    return this.#good.recall(sdkKey) !== undefined;
  }

  recall(id: string): Remembered | undefined {
    if (this.#refusals.recall(id) !== undefined) return { kind: 'refused' };
    const failure = this.#failures.recall(id);
    return failure && { kind: 'failed', reason: failure.value.reason, leftMs: failure.leftMs };
  }

  forget(id: string): void {
    this.#failures.forget(id);
    this.#refusals.forget(id);
  }

  /** Sizes of the tables, against their limits. */
  get gauges(): Gauges {
    return {
      failuresRemembered: { entries: this.#failures.entries, entriesMax: this.#failures.entriesMax },
      refusalsRemembered: { entries: this.#refusals.entries, entriesMax: this.#refusals.entriesMax },
      goodKeysRemembered: { entries: this.#good.entries, entriesMax: this.#good.entriesMax },
    };
  }
}
