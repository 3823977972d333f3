// What came of a body, copied into blocks: a body in one-byte chunks takes no more memory than its bytes.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The first block; each further one is as large as all before it, up to the largest. */
const BLOCK_BYTES_MIN = 1024;
const BLOCK_BYTES_MAX = 64 * 1024;
const BYTES_PER_TURN = 1024 * 1024;

/** Kept as they come, pieces cost about 400 bytes each beside their content. */
export class BodyBlocks {
  readonly #bytesMax: number;
  #blocks: Buffer[] = [];
  #heldBytes = 0;
  #bytes = 0;

  /** `bytesMax`: no more than this will be added. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Of all blocks, full or not. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What was added. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many more bytes would be held after an `add` of so many. */
  growthFor(pieceBytes: number): number {
    const missing = this.#bytes + pieceBytes - this.#heldBytes;
    if (missing <= 0) return 0;
    const wanted = Math.min(Math.max(this.#heldBytes, BLOCK_BYTES_MIN), BLOCK_BYTES_MAX);
    return Math.max(missing, Math.min(wanted, this.#bytesMax - this.#heldBytes));
  }

  add(piece: Buffer): void {
    const growth = this.growthFor(piece.length);
    const free = this.#heldBytes - this.#bytes;
    if (free > 0) piece.copy(this.#blocks.at(-1) as Buffer, (this.#blocks.at(-1) as Buffer).length - free);
    if (growth > 0) {
      const block = Buffer.allocUnsafeSlow(growth);
      piece.copy(block, 0, free);
      this.#blocks.push(block);
      this.#heldBytes += growth;
    }
    this.#bytes += piece.length;
  }

  /** Nothing is held any more. */
  clear(): void {
    this.#blocks = [];
    this.#heldBytes = 0;
    this.#bytes = 0;
  }

  /** Everything that was added, in one piece. Joined at once, 20 MiB would stall the event loop for about 10 ms. */
  async join(): Promise<Buffer> {
    const [first] = this.#blocks;
    if (first === undefined) return Buffer.alloc(0);
    if (first.length === this.#bytes) return first;
    const joined = Buffer.allocUnsafeSlow(this.#bytes);
    let at = 0;
    let turnEnds = BYTES_PER_TURN;
    for (const block of this.#blocks) {
      at += block.copy(joined, at);
      if (at < turnEnds) continue;
      await nextTurn();
      turnEnds = at + BYTES_PER_TURN;
    }
    return joined;
  }
}
