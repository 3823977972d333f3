// One copy on a disk: every append adds to its file and brings the header up to date, so that it is whole at any time.
import type { Hash } from 'node:crypto';
import type { DiskAccess } from '../../../../files/disk-access.js';
import { PIECE_BYTES, readBytes, writeBytes } from '../../../../files/file-bytes.js';
import type { FileSystem } from '../../../../files/file-system.js';
import type { OwnFolder } from '../../../../files/own-folder.js';
import type { CopyBytes } from '../copy-place.js';
import { copyFile, encodeHeader, HEADER_BYTES, startHash, withCopyFile } from './copy-file.js';

const READ_PIECE_BYTES = 65_536;

export interface CopyWorld {
  readonly files: FileSystem;
  readonly folder: OwnFolder;
  readonly access: DiskAccess;
  /** `access.run`, which also reports that the disk works. */
  readonly run: DiskAccess['run'];
  /** Called once for each copy that was removed, or gave way to another. */
  readonly gone: (copy: DiskCopy) => void;
}

/** What is known of a copy's bytes. */
export interface CopyState {
  readonly length: number;
  /** Of the name and all bytes. */
  readonly hash: Hash;
}

export class DiskCopy implements CopyBytes {
  readonly name: string;
  readonly #world: CopyWorld;
  readonly #path: string;
  #length: number;
  #hash: Hash;
  #isGone = false;
  #removal: Promise<void> | undefined;

  /** `state`: of a file that is there; an empty copy, which `make` has a file for, without it. */
  constructor(world: CopyWorld, name: string, state?: CopyState) {
    this.#world = world;
    this.name = name;
    this.#path = world.folder.pathOf(copyFile(name));
    this.#length = state?.length ?? 0;
    this.#hash = state?.hash ?? startHash(name);
  }

  get length(): number {
    return this.#length;
  }

  /** In the place of any file that was there. */
  async make(): Promise<void> {
    const { files, folder, run } = this.#world;
    await run('write', this.name, async () => {
      await folder.make();
      await folder.remove(copyFile(this.name));
      await withCopyFile(files, this.#path, 'create', (handle) =>
        writeBytes(handle, encodeHeader(0, this.#hash), 0),
      );
    });
  }

  async append(piece: Uint8Array): Promise<void> {
    if (this.#isGone) throw removed();
    // A copy of it: what does not count in the end must not be in the one that is kept.
    const hash = this.#hash.copy();
    await this.#world.run('write', this.name, () => this.#write(piece, hash));
    this.#hash = hash;
    this.#length += piece.length;
  }

  read(from: number, to: number): AsyncIterable<Uint8Array> {
    if (!(from >= 0 && from <= to && to <= this.#length)) throw new RangeError(`no bytes ${from} to ${to}`);
    return this.#pieces(from, to);
  }

  remove(): Promise<void> {
    if (!this.#isGone) {
      this.giveWay();
      this.#removal = this.#remove();
    }
    return this.#removal ?? Promise.resolve();
  }

  /** Another copy takes its place, and its file. */
  giveWay(): void {
    this.#isGone = true;
    this.#world.gone(this);
  }

  async #write(piece: Uint8Array, hash: Hash): Promise<void> {
    await withCopyFile(this.#world.files, this.#path, 'write', async (handle) => {
      const end = HEADER_BYTES + this.#length;
      // A gap would be filled with zeros.
      if ((await handle.stat()).size < end) throw tooShort();
      for (let at = 0; at < piece.length; at += PIECE_BYTES) {
        const slice = piece.subarray(at, at + PIECE_BYTES);
        await writeBytes(handle, slice, end + at);
        hash.update(slice);
      }
      await writeBytes(handle, encodeHeader(this.#length + piece.length, hash), 0);
    });
  }

  async *#pieces(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = from; at < to;) {
      const piece = await this.#read(at, Math.min(READ_PIECE_BYTES, to - at));
      // Its file may have become another copy's meanwhile.
      if (piece === undefined || this.#isGone) throw removed();
      at += piece.length;
      yield piece;
    }
  }

  /** Undefined where the copy is gone. In a line of its own: what is read does not change, and waits for no append. */
  #read(at: number, bytes: number): Promise<Uint8Array | undefined> {
    const read = async (): Promise<Uint8Array | undefined> => {
      try {
        if (this.#isGone) return undefined;
        return await withCopyFile(this.#world.files, this.#path, 'read', async (handle) => {
          const piece = await readBytes(handle, HEADER_BYTES + at, bytes);
          if (piece.length < bytes) throw tooShort();
          return piece;
        });
      } catch (error) {
        // A file that was removed is nothing that the disk does wrong.
        if (this.#isGone) return undefined;
        throw error;
      }
    };
    return this.#world.run('read', this.name, read, `reads of ${this.name}`);
  }

  async #remove(): Promise<void> {
    const { folder, run } = this.#world;
    try {
      await run('write', this.name, () => folder.remove(copyFile(this.name)));
    } catch {
      // Reported already. A new copy of this name writes over the file; else it is there again after a restart.
    }
  }
}

function removed(): Error {
  return new Error('the copy was removed');
}

function tooShort(): Error {
  return new Error('the copy is shorter than it was');
}
