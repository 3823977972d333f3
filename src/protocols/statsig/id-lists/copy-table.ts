// The copies that are held, within a bound of bytes for all of them: the least recently used leaves first.
import { Copy } from './copy.js';
import { CopyFault } from './copy-fault.js';
import type { CopyPlace } from './copy-place.js';

/** An empty copy takes a place too. */
const COPIES_MAX = 10_000;

export interface CopyTableOptions {
  /** Of all copies together. */
  readonly bytesMax: number;
}

export class CopyTable {
  readonly #place: CopyPlace;
  readonly bytesMax: number;
  readonly copiesMax = COPIES_MAX;
  /** The one used longest ago first. */
  readonly #copies = new Map<string, Copy>();
  /** A copy that comes in the place of one that leaves has to wait for that. */
  readonly #removals = new Map<string, Promise<void>>();
  #bytes = 0;
  #evictions = 0;

  constructor(place: CopyPlace, { bytesMax }: CopyTableOptions) {
    this.#place = place;
    this.bytesMax = bytesMax;
  }

  /** Takes over what an earlier process left, as far as there is room. Never rejects. */
  async open(): Promise<void> {
    const left = [...(await this.#place.open())].reverse();
    for (const [name, bytes] of left) {
      this.#copies.set(name, new Copy(name, bytes));
      this.#bytes += bytes.length;
    }
    await Promise.all(this.#makeRoom(0, 0));
  }

  /** Of all copies, those being appended included. */
  get bytes(): number {
    return this.#bytes;
  }

  get copies(): number {
    return this.#copies.size;
  }

  /** Copies that left for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Without counting as a use. */
  peek(name: string): Copy | undefined {
    return this.#copies.get(name);
  }

  /** The copy was asked for. */
  used(copy: Copy): void {
    if (!this.#isHeld(copy)) return;
    this.#copies.delete(copy.name);
    this.#copies.set(copy.name, copy);
  }

  /** An empty copy, in use as `Copy.use` says. Rejects with a CopyFault where it cannot be made. */
  async create(name: string): Promise<Copy> {
    await Promise.all([...this.#makeRoom(0, 1), this.#removals.get(name)]);
    if (this.#copies.size >= COPIES_MAX) throw new CopyFault('copy_not_kept', 'every copy is in use');
    let bytes;
    try {
      bytes = await this.#place.create(name);
    } catch (error) {
      throw new CopyFault('copy_not_kept', 'a copy could not be made', { cause: error });
    }
    const copy = new Copy(name, bytes);
    copy.use();
    this.#copies.set(name, copy);
    return copy;
  }

  /**
   * Appends what of the piece there is room for, and says whether that was all of it; only one at a time for one copy,
   * which is in use. Rejects with a CopyFault where it could not be kept.
   */
  async append(copy: Copy, piece: Uint8Array): Promise<boolean> {
    if (!this.#isHeld(copy)) throw new CopyFault('copy_not_kept', 'the copy was dropped meanwhile');
    const removals = this.#makeRoom(piece.length, 0);
    const part = piece.subarray(0, Math.max(0, this.bytesMax - this.#bytes));
    // From here on the room is reserved.
    this.#bytes += part.length;
    copy.countedBytes += part.length;
    await Promise.all(removals);
    try {
      if (part.length > 0) await copy.append(part);
    } catch (error) {
      copy.countedBytes -= part.length;
      if (this.#isHeld(copy)) this.#bytes -= part.length;
      throw new CopyFault('copy_not_kept', 'bytes could not be kept', { cause: error });
    }
    return part.length === piece.length;
  }

  /** The copy must not be used any more; its readers may be cut off. */
  async drop(copy: Copy): Promise<void> {
    if (!this.#isHeld(copy)) return;
    this.#copies.delete(copy.name);
    this.#bytes -= copy.countedBytes;
    const removal = copy.bytes.remove();
    this.#removals.set(copy.name, removal);
    await removal;
    if (this.#removals.get(copy.name) === removal) this.#removals.delete(copy.name);
  }

  async close(): Promise<void> {
    await this.#place.close();
  }

  #isHeld(copy: Copy): boolean {
    return this.#copies.get(copy.name) === copy;
  }

  /** Copies that have to leave are gone from the table at once; the promises are for their bytes. */
  #makeRoom(bytes: number, copies: number): Promise<void>[] {
    const removals: Promise<void>[] = [];
    for (const copy of this.#copies.values()) {
      if (this.#bytes + bytes <= this.bytesMax && this.#copies.size + copies <= COPIES_MAX) break;
      if (copy.isInUse) continue;
      this.#evictions += 1;
      removals.push(this.drop(copy));
    }
    return removals;
  }
}
