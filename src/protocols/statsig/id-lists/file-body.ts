// The bytes of one answer: exactly as many as were announced, whose source is let go of as soon as they are not wanted.

/** How reading ended: undefined where it was read to its end or no more of it was wanted. */
export type BodyEnd = { readonly error: unknown } | undefined;

export class FileBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #letGo: (end: BodyEnd) => void;
  #leftBytes: number;
  #hasEnded = false;
  #isBrokenOff = false;

  /** `letGo` is called once. */
  constructor(source: AsyncIterable<Uint8Array>, bytes: number, letGo: (end: BodyEnd) => void) {
    this.#source = source[Symbol.asyncIterator]();
    this.#leftBytes = bytes;
    this.#letGo = letGo;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isBrokenOff) throw new Error('the file was not read in time');
    if (this.#leftBytes === 0 || this.#hasEnded) return await this.return();
    try {
      const next = await this.#source.next();
      if (next.done === true) throw new Error(`the file ends ${this.#leftBytes} bytes too early`);
      const piece = next.value.subarray(0, this.#leftBytes);
      this.#leftBytes -= piece.length;
      return { done: false, value: piece };
    } catch (error) {
      this.#end({ error });
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    // First: where a piece is waited for, the source ends only once it is let go of.
    this.#end(undefined);
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  /** Lets go of the source; its reader gets an error from now on. */
  async breakOff(): Promise<void> {
    if (this.#hasEnded) return;
    this.#isBrokenOff = true;
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(end: BodyEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#letGo(end);
  }
}
