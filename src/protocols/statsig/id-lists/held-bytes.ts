// The bytes of a copy, to be compared with the same bytes as they come again.
import { CopyFault } from './copy-fault.js';

const NOTHING = new Uint8Array(0);

export class HeldBytes {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #left: Uint8Array = NOTHING;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Whether these are the next ones. Rejects with a CopyFault where the copy cannot be read. */
  async match(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      if (this.#left.length === 0) this.#left = await this.#next();
      const length = Math.min(this.#left.length, bytes.length - at);
      if (length === 0) return false;
      if (Buffer.compare(this.#left.subarray(0, length), bytes.subarray(at, at + length)) !== 0) return false;
      this.#left = this.#left.subarray(length);
      at += length;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  /** Empty at the end. */
  async #next(): Promise<Uint8Array> {
    try {
      const next = await this.#pieces.next();
      return next.done === true ? NOTHING : next.value;
    } catch (error) {
      throw new CopyFault('copy_not_read', 'the copy could not be read', { cause: error });
    }
  }
}
