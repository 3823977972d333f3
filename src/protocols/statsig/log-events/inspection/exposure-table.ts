// Exposures that were sent: bounded in number and age; the oldest half is forgotten when it is full.

/** Exposures arrive at most this long after their minute, except those of an SDK that had to wait, which are let through. */
const GENERATION_MS = 5 * 60_000;

/** Two generations: what was remembered in the last one or two of them is known. Each takes about 70 bytes an entry. */
export class ExposureTable {
  readonly #generationMax: number;
  readonly #forgotten: (exposures: number) => void;
  #current = new Set<string>();
  #previous: ReadonlySet<string> = new Set();
  #currentSinceMs = -Infinity;

  /** `forgotten` is called with the size of every generation that leaves. */
  constructor(exposuresMax: number, forgotten: (exposures: number) => void) {
    this.#generationMax = Math.max(1, Math.floor(exposuresMax / 2));
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#current.size + this.#previous.size;
  }

  has(fingerprint: string): boolean {
    return this.#current.has(fingerprint) || this.#previous.has(fingerprint);
  }

  /** `nowMs` by a clock that never goes back. */
  add(fingerprints: Iterable<string>, nowMs: number): void {
    if (nowMs - this.#currentSinceMs >= GENERATION_MS) this.#turn(nowMs);
    for (const fingerprint of fingerprints) {
      if (this.#current.size >= this.#generationMax) this.#turn(nowMs);
      this.#current.add(fingerprint);
    }
  }

  #turn(nowMs: number): void {
    const leaving = this.#previous.size;
    this.#previous = this.#current;
    this.#current = new Set();
    this.#currentSinceMs = nowMs;
    if (leaving > 0) this.#forgotten(leaving);
  }
}
