// Which versions were just seen to be stored, so that a poll every ten seconds does not ask the disk each time.
import type { Clock } from '../../domain/clock.js';

/** By how much the time of a confirmation on the disk may lag. */
export const CONFIRMED_EVERY_MS = 30_000;

interface Confirmation {
  readonly version: number;
  readonly monotonicMs: number;
}

export class RecentConfirmations {
  readonly #clock: Clock;
  readonly #filesMax: number;
  readonly #byFile = new Map<string, Confirmation>();

  constructor(clock: Clock, filesMax: number) {
    this.#clock = clock;
    this.#filesMax = filesMax;
  }

  /** The file was just seen to hold this version, confirmed at that time or later. */
  learn(file: string, version: number, monotonicMs: number): void {
    this.#byFile.delete(file);
    this.#byFile.set(file, { version, monotonicMs });
    if (this.#byFile.size <= this.#filesMax) return;
    for (const oldest of this.#byFile.keys()) {
      this.#byFile.delete(oldest);
      return;
    }
  }

  forget(file: string): void {
    this.#byFile.delete(file);
  }

  /** Another process may have changed the file since: the next look at it, at most 30 s later, finds out. */
  has(file: string, version: number): boolean {
    const known = this.#byFile.get(file);
    return known?.version === version && this.#clock.monotonicMs() - known.monotonicMs < CONFIRMED_EVERY_MS;
  }
}
