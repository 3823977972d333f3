// Kinds of difference between two answers: what an SDK would notice, what it would not, and what is only a matter of time.
import type { Behind } from './lag.js';

/** The last four are notes: SDKs do the same with either. */
export type DifferenceKind =
  | 'unanswered'
  | 'status'
  | 'body'
  | 'format'
  | 'version'
  | 'bytes'
  | 'lists'
  | 'list_size'
  | 'headers'
  | 'encoding'
  | 'cache_hit'
  | 'url'
  | 'both_refuse';

const NOTES: readonly DifferenceKind[] = ['encoding', 'cache_hit', 'url', 'both_refuse'];

export function isNote(kind: DifferenceKind): boolean {
  return NOTES.includes(kind);
}

export interface Difference {
  readonly kind: DifferenceKind;
  /** Both sides, for people. */
  readonly detail: string;
}

export interface Late {
  readonly behind: Behind;
  readonly forMs: number;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** One side is behind, for less than it may be. */
  readonly late: Late | undefined;
}

export const SAME: Comparison = { differences: [], late: undefined };

export function only(kind: DifferenceKind, base: string, against: string): Comparison {
  return { differences: [{ kind, detail: both(base, against) }], late: undefined };
}

export function withMore({ differences, late }: Comparison, more: readonly Difference[]): Comparison {
  return { differences: [...differences, ...more], late };
}

/** `lag`: undefined where both are equal. */
export function judgeLag(
  kind: DifferenceKind,
  lag: Late | undefined,
  lateMsMax: number,
  detail: string,
): Comparison {
  if (lag === undefined) return SAME;
  if (lag.forMs <= lateMsMax) return { differences: [], late: lag };
  const since = `, ${lag.behind} behind for ${Math.round(lag.forMs / 1000)} s`;
  return { differences: [{ kind, detail: detail + since }], late: undefined };
}

export function both(base: string, against: string): string {
  return `base ${base === '' ? 'none' : base}, against ${against === '' ? 'none' : against}`;
}
