// Divides what many streams have to write among turns of the event loop, so that others are served in between.

/** A turn hands over this much, about 4 ms of work: a megabyte costs a millisecond, and a write some 50 µs whatever its size. */
const TURN_BYTES_MAX = 2 * 1024 * 1024;
const WRITE_BYTES_MIN = 32 * 1024;

export class LoopTurns {
  /** Handed over in this turn. */
  #bytes = 0;
  #isPlanned = false;
  #waiting: { readonly bytes: number; readonly write: () => void }[] = [];

  /** Writes at once where this turn has room and nobody waits; else in one of the next turns, in order. */
  take(bytes: number, write: () => void): void {
    if (this.#bytes >= TURN_BYTES_MAX || this.#waiting.length > 0) this.#waiting.push({ bytes, write });
    else this.#write(bytes, write);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(this.#begin);
  }

  readonly #begin = (): void => {
    this.#bytes = 0;
    this.#isPlanned = this.#waiting.length > 0;
    if (!this.#isPlanned) return;
    setImmediate(this.#begin);
    let written = 0;
    for (const { bytes, write } of this.#waiting) {
      if (this.#bytes >= TURN_BYTES_MAX) break;
      written += 1;
      this.#write(bytes, write);
    }
    this.#waiting = this.#waiting.slice(written);
  };

  #write(bytes: number, write: () => void): void {
    this.#bytes += Math.max(bytes, WRITE_BYTES_MIN);
    write();
  }
}
