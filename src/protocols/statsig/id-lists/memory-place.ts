// Copies of files in memory: gone with the process.
import type { CopyBytes, CopyPlace } from './copy-place.js';

/** Of a block, and so of a piece that is read. */
const BLOCK_BYTES_MAX = 65_536;
/** A block begins this small and grows by an eighth: doubled, copies of 33 KiB took 64 each. */
const BLOCK_BYTES_MIN = 256;

export class MemoryPlace implements CopyPlace {
  async open(): Promise<ReadonlyMap<string, CopyBytes>> {
    return new Map();
  }

  async create(): Promise<CopyBytes> {
    return new MemoryCopy();
  }

  async close(): Promise<void> {
    return undefined;
  }
}

class MemoryCopy implements CopyBytes {
  /** All but the last are full. What is written in them stays as it is: readers hold on to slices. */
  #blocks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  async append(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.length;) {
      const used = this.#length % BLOCK_BYTES_MAX;
      const part = piece.subarray(done, done + BLOCK_BYTES_MAX - used);
      this.#blockFor(used, part.length).set(part, used);
      this.#length += part.length;
      done += part.length;
    }
  }

  read(from: number, to: number): AsyncIterable<Uint8Array> {
    return slices(this.#blocks, from, to);
  }

  async remove(): Promise<void> {
    // Readers hold the blocks themselves.
    this.#blocks = [];
    this.#length = 0;
  }

  /** The last block, with room for so many bytes after those that are used. */
  #blockFor(used: number, bytes: number): Uint8Array {
    const last = used === 0 ? undefined : this.#blocks.pop();
    if (last !== undefined && last.length >= used + bytes) {
      this.#blocks.push(last);
      return last;
    }
    const ample = last === undefined ? bytes : Math.ceil((used + bytes) * 1.125);
    const block = new Uint8Array(Math.min(Math.max(BLOCK_BYTES_MIN, ample), BLOCK_BYTES_MAX));
    if (last !== undefined) block.set(last);
    this.#blocks.push(block);
    return block;
  }
}

async function* slices(blocks: readonly Uint8Array[], from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to;) {
    const start = at % BLOCK_BYTES_MAX;
    const end = Math.min(BLOCK_BYTES_MAX, start + to - at);
    const block = blocks[Math.floor(at / BLOCK_BYTES_MAX)];
    if (block === undefined) throw new Error('read beyond the end of the copy');
    yield block.subarray(start, end);
    at += end - start;
  }
}
