// How long one of two sides has lacked what the other has: so that a poll that comes later is told apart from one that never comes.

export type Behind = 'base' | 'against';

/** Values that only grow, such as versions and sizes of files, as each side was seen to have them. */
export interface Lag {
  readonly behind: Behind;
  /** Since the other was first seen with the oldest value that this one lacks. */
  readonly forMs: number;
}

/** Of a side that is far behind, more are not remembered: the oldest counts. */
const VALUES_MAX = 1_000;

interface Seen {
  readonly value: number;
  readonly atMs: number;
}

/** Looks come in the order of time. */
export class LagWatch {
  /** What each side has that the other lacks, the lowest first. */
  readonly #ahead: Record<Behind, Seen[]> = { base: [], against: [] };

  /** Undefined where both have the same. */
  observe(base: number, against: number, nowMs: number): Lag | undefined {
    this.#see('base', base, against, nowMs);
    this.#see('against', against, base, nowMs);
    if (base === against) return undefined;
    const [ahead, behind] = base > against ? (['base', 'against'] as const) : (['against', 'base'] as const);
    const [oldest] = this.#ahead[ahead];
    return { behind, forMs: nowMs - (oldest?.atMs ?? nowMs) };
  }

  #see(side: Behind, value: number, other: number, nowMs: number): void {
    const seen = this.#ahead[side].filter((each) => each.value > other && each.value <= value);
    if (value > other && seen.at(-1)?.value !== value && seen.length < VALUES_MAX)
      seen.push({ value, atMs: nowMs });
    this.#ahead[side] = seen;
  }
}

/** How long two things that have no order have differed. */
export class DifferenceWatch {
  #sinceMs: number | undefined;

  /** 0 where they are the same. */
  observe(isSame: boolean, nowMs: number): number {
    if (isSame) this.#sinceMs = undefined;
    else this.#sinceMs ??= nowMs;
    return this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs;
  }
}
