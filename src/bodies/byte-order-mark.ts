// The mark that some tools write before UTF-8 text, and that SDKs take for a fault in their JSON (RFC 8259, 8.1).

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
export const MARK_BYTES = MARK.length;

/** Lets text go by, piece by piece, without the mark that may stand before it. */
export class MarkRemover {
  #start = Buffer.alloc(0);
  #isPast = false;
  #hasMark = false;

  get hasMark(): boolean {
    return this.#hasMark;
  }

  push(piece: Uint8Array): Uint8Array {
    if (this.#isPast) return piece;
    this.#start = Buffer.concat([this.#start, piece]);
    if (this.#start.length < MARK_BYTES) return Buffer.alloc(0);
    this.#isPast = true;
    this.#hasMark = this.#start.subarray(0, MARK_BYTES).equals(MARK);
    return this.#hasMark ? this.#start.subarray(MARK_BYTES) : this.#start;
  }

  /** What is left at the end of a text that is shorter than the mark. */
  end(): Uint8Array {
    return this.#isPast ? Buffer.alloc(0) : this.#start;
  }
}
