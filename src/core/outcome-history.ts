// The latest outcomes of each payload's polls, for people: equal ones in a row are one entry, and a few entries are kept.
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { FetchOutcome } from './origin.js';

/** `confirmed_by_fleet`: another replica asked. */
export type OutcomeKind = FetchOutcome['kind'] | 'confirmed_by_fleet';

/** Equal outcomes in a row. Times by the monotonic clock. */
export interface OutcomeRun {
  readonly kind: OutcomeKind;
  /** Where fetches failed: the failures'. */
  readonly reason: string | undefined;
  readonly sinceMs: number;
  /** When the outcomes of this kind began, whatever their reasons: not later than `sinceMs`. */
  readonly kindSinceMs: number;
  untilMs: number;
  count: number;
}

/** Of each payload. */
export const RUNS_MAX = 10;

export class OutcomeHistory {
  readonly #runs = new Map<string, OutcomeRun[]>();

  note(key: PayloadKey, kind: OutcomeKind, reason: string | undefined, nowMs: number): void {
    const id = payloadId(key);
    const runs = this.#runs.get(id) ?? [];
    const last = runs.at(-1);
    if (last?.kind === kind && last.reason === reason) {
      last.untilMs = nowMs;
      last.count += 1;
      return;
    }
    const kindSinceMs = last?.kind === kind ? last.kindSinceMs : nowMs;
    runs.push({ kind, reason, sinceMs: nowMs, kindSinceMs, untilMs: nowMs, count: 1 });
    if (runs.length > RUNS_MAX) runs.shift();
    this.#runs.set(id, runs);
  }

  /** The newest last. */
  of(key: PayloadKey): readonly OutcomeRun[] {
    return this.#runs.get(payloadId(key)) ?? [];
  }

  lastOf(key: PayloadKey): OutcomeRun | undefined {
    return this.#runs.get(payloadId(key))?.at(-1);
  }

  forget(key: PayloadKey): void {
    this.#runs.delete(payloadId(key));
  }
}
