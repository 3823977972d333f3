// What is remembered of fetches that brought nothing for a payload nobody holds: refusals and failures, for a while.
import type { Clock } from '../domain/clock.js';
import type { Gauges } from '../observability/gauges.js';
import type { FetchOutcome } from './origin.js';
import { ExpiringMemory } from './expiring-memory.js';

const FAILURE_REMEMBERED_MS = 1_000;
const REFUSAL_REMEMBERED_MS = 10_000;
const REMEMBERED_ENTRIES_MAX = 10_000;

export type Remembered =
  | { readonly kind: 'refused' }
  /** `leftMs`: how long the origin is not asked again. */
  | { readonly kind: 'failed'; readonly reason: string; readonly leftMs: number };

/** Fed by every fetch, whoever asked for it: a poll that was refused spares the next client's question too. */
export class ColdMemory {
  readonly #failures: ExpiringMemory<{ readonly reason: string }>;
  readonly #refusals: ExpiringMemory<object>;

  constructor(clock: Clock) {
    this.#failures = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
    this.#refusals = new ExpiringMemory(clock, REMEMBERED_ENTRIES_MAX);
  }

  /** Learns the outcome for a payload that is not held now. */
  learn(id: string, outcome: FetchOutcome): void {
    if (outcome.kind === 'unauthorized') this.#refusals.remember(id, {}, REFUSAL_REMEMBERED_MS);
    if (outcome.kind === 'failed') {
      const forMs = Math.max(outcome.retryAfterMs ?? 0, FAILURE_REMEMBERED_MS);
      this.#failures.remember(id, { reason: outcome.reason }, forMs);
    }
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
    };
  }
}
