// Some of a copy's bytes, read from a file that is held open from the start: it may be removed before they are read.
import type { FileHandle } from 'node:fs/promises';
import type { Cancel, Clock } from '../../domain/clock.js';
import { READ_FLAGS, type FileSystem } from '../../sources/disk/file-system.js';
import type { DiskAccess } from './disk-access.js';

const PIECE_BYTES = 65_536;
/** Who asks for a reading, and neither begins nor returns it, holds a file open for so long. */
const BEGIN_DEADLINE_MS = 10_000;

export interface Extent {
  readonly name: string;
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/** What a place of copies on a disk works with. */
export interface ReadingWorld {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly access: DiskAccess;
}

type Opening =
  | { readonly kind: 'open'; readonly handle: FileHandle }
  | { readonly kind: 'failed'; readonly error: unknown };

/** To be gone through once. */
export class CopyReading implements AsyncIterable<Uint8Array> {
  /** Resolves, whatever became of it, when the file can be removed. */
  readonly opened: Promise<void>;
  readonly #world: ReadingWorld;
  readonly #extent: Extent;
  /** Reads of one reading follow each other, and wait for nothing else that is done to the copy. */
  readonly #line: string;
  readonly #cancelClosing: Cancel;
  #opening: Promise<Opening>;

  /** `line`: a name that no other reading of the place has. */
  constructor(world: ReadingWorld, extent: Extent, line: string) {
    this.#world = world;
    this.#extent = extent;
    this.#line = line;
    this.#opening = this.#open();
    this.opened = this.#opening.then(() => undefined);
    this.#cancelClosing = world.clock.schedule(BEGIN_DEADLINE_MS, () => void this.#end());
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    const pieces = this.#pieces();
    return {
      next: () => pieces.next(),
      return: async () => {
        // Of a generator that has not begun, nothing is run at its end.
        await this.#end();
        return await pieces.return();
      },
    };
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const opening = await this.#take();
    if (opening.kind === 'failed') throw opening.error;
    const { from, to } = this.#extent;
    try {
      for (let at = from; at < to;) {
        const piece = await this.#read(opening.handle, at, Math.min(PIECE_BYTES, to - at));
        at += piece.length;
        yield piece;
      }
    } finally {
      await this.#close(opening);
    }
  }

  /** Closes the file, unless it is being read. */
  async #end(): Promise<void> {
    await this.#close(await this.#take());
  }

  /** The file belongs to who takes it. */
  #take(): Promise<Opening> {
    this.#cancelClosing();
    const opening = this.#opening;
    this.#opening = Promise.resolve({ kind: 'failed', error: new Error('the reading has ended') });
    return opening;
  }

  async #open(): Promise<Opening> {
    const { files } = this.#world;
    try {
      const handle = await this.#run(
        () => files.open(this.#extent.path, READ_FLAGS),
        (late) => late.close(),
      );
      return { kind: 'open', handle };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  #read(handle: FileHandle, at: number, bytesMax: number): Promise<Uint8Array> {
    return this.#run(async () => {
      const piece = Buffer.allocUnsafeSlow(bytesMax);
      const { bytesRead } = await handle.read(piece, 0, bytesMax, at);
      if (bytesRead === 0) throw new Error('the copy is shorter than it was');
      return piece.subarray(0, bytesRead);
    });
  }

  /** A file that was only read loses nothing when it is not closed well. */
  async #close(opening: Opening): Promise<void> {
    if (opening.kind === 'failed') return;
    try {
      await opening.handle.close();
    } catch (error) {
      this.#world.access.failed('read', this.#extent.name, error);
    }
  }

  #run<Value>(operation: () => Promise<Value>, undo?: (late: Value) => Promise<void>): Promise<Value> {
    const turn = { access: 'read', name: this.#extent.name, line: this.#line } as const;
    return this.#world.access.run(turn, operation, undo);
  }
}
