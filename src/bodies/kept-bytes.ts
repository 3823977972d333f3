// The bytes of a body as it comes in, kept in one buffer of their own.
import { ownBytes } from '../domain/own-copy.js';

/**
 * Pieces that wait for the end of their body outlive the collections of young objects meanwhile, and are garbage then that only a
 * full collection finds. So they are copied at once where the whole length was announced.
 */
export class KeptBytes {
  readonly #announced: Buffer;
  #announcedFilled = 0;
  /** What came beyond the announced length. */
  readonly #more: Uint8Array[] = [];
  #bytes = 0;

  /** Nothing depends on whether `announcedBytes` is true. `bytesMax`: no more than this will be added. */
  constructor(announcedBytes: number | undefined, bytesMax: number) {
    this.#announced = Buffer.allocUnsafeSlow(Math.min(announcedBytes ?? 0, bytesMax));
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    const free = this.#announced.length - this.#announcedFilled;
    if (piece.length > free || this.#more.length > 0) {
      this.#more.push(piece);
      return;
    }
    this.#announced.set(piece, this.#announcedFilled);
    this.#announcedFilled += piece.length;
  }

  /** Everything that was added, in as much memory as it needs. */
  whole(): Buffer {
    if (this.#announcedFilled === this.#announced.length && this.#more.length === 0) return this.#announced;
    return ownBytes([this.#announced.subarray(0, this.#announcedFilled), ...this.#more]);
  }
}
