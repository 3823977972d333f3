// One copy of a file: its bytes, where its last whole line ends, and whether somebody reads or grows it.
import { CopyFault } from './copy-fault.js';
import type { CopyBytes } from './copy-place.js';

const LINE_FEED = 0x0a;
/** Lines are about ten bytes long; where nothing so long has an end, the file has no lines. */
const LAST_LINE_BYTES_MAX = 65_536;

export class Copy {
  readonly name: string;
  readonly bytes: CopyBytes;
  /** As the table counts them: those on their way into it included. */
  countedBytes: number;
  #users = 0;
  #completeBytes: number | undefined;
  /** Undefined until what an earlier process left has been read. */
  #lineEnd: number | undefined;

  constructor(name: string, bytes: CopyBytes) {
    this.name = name;
    this.bytes = bytes;
    this.countedBytes = bytes.length;
    if (bytes.length === 0) this.#lineEnd = 0;
  }

  get isInUse(): boolean {
    return this.#users > 0;
  }

  /** Until `letGo` it does not leave for others. */
  use(): void {
    this.#users += 1;
  }

  letGo(): void {
    this.#users -= 1;
  }

  /** At this length it was the whole file once; undefined if unknown. Later bytes may be a part of what was added. */
  get completeBytes(): number | undefined {
    return this.#completeBytes;
  }

  /** A manifest promises so many bytes, and they are there. */
  wasComplete(bytes: number): void {
    this.#completeBytes = Math.max(this.#completeBytes ?? 0, bytes);
  }

  /** The origin has nothing more now. Its last line may be half written, so whole lines count. */
  hasAllOfOrigin(): void {
    if (this.#lineEnd !== undefined) this.wasComplete(this.#lineEnd);
  }

  async append(piece: Uint8Array): Promise<void> {
    const start = this.bytes.length;
    await this.bytes.append(piece);
    const at = piece.lastIndexOf(LINE_FEED);
    if (at >= 0) this.#lineEnd = start + at + 1;
  }

  /** The offset after the last whole line; 0 if there is none. Rejects with a CopyFault. */
  async lineEnd(): Promise<number> {
    if (this.#lineEnd === undefined) {
      const found = await findLineEnd(this.bytes);
      // A line that was appended meanwhile ends later.
      this.#lineEnd ??= found;
    }
    return this.#lineEnd;
  }
}

async function findLineEnd(bytes: CopyBytes): Promise<number> {
  const to = bytes.length;
  let at = Math.max(0, to - LAST_LINE_BYTES_MAX);
  let lineEnd = 0;
  try {
    for await (const piece of bytes.read(at, to)) {
      const index = piece.lastIndexOf(LINE_FEED);
      if (index >= 0) lineEnd = at + index + 1;
      at += piece.length;
    }
  } catch (error) {
    throw new CopyFault('copy_not_read', 'the copy could not be read', { cause: error });
  }
  return lineEnd;
}
