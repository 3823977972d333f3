// What an earlier process left in the folder of copies: which of it is as it was written, and which is to be removed.
import type { Dirent } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { PIECE_BYTES, readBytes } from '../../../../files/file-bytes.js';
import { isNoFile } from '../../../../files/file-system.js';
import {
  copyFile,
  HEADER_BYTES,
  readCopyFile,
  readHeader,
  startHash,
  withCopyFile,
  type CopyHeader,
} from './copy-file.js';
import type { CopyState, CopyWorld } from './disk-copy.js';

/** Of those written last; the others are removed. So many are found in a second or two. */
export const COPIES_MAX = 4096;

/** How many copies were not taken over, by reason. */
export interface Losses {
  /** Not as they were written. */
  damaged: number;
  /** Beyond `COPIES_MAX`. */
  surplus: number;
  /** Unknown: the disk failed, or the deadline passed. */
  unread: number;
}

interface FoundCopy {
  readonly name: string;
  readonly header: CopyHeader;
  readonly writtenAtMs: number;
}

export class CopyRecovery {
  readonly losses: Losses = { damaged: 0, surplus: 0, unread: 0 };
  readonly #world: CopyWorld;
  readonly #isOver: () => boolean;

  /** `isOver`: whether the deadline is over. */
  constructor(world: CopyWorld, isOver: () => boolean) {
    this.#world = world;
    this.#isOver = isOver;
  }

  /**
   * Calls `take` for each copy that is as it was written, the one written last first, and returns the names of all others.
   * Rejects where the folder cannot be read.
   */
  async run(take: (name: string, state: CopyState) => void): Promise<readonly string[]> {
    const names = await this.#list();
    const taken = new Set<string>();
    const found: FoundCopy[] = [];
    for (const name of names) {
      const copy = await this.#reading(() => this.#look(name));
      if (copy !== undefined) found.push(copy);
    }
    found.sort((one, other) => other.writtenAtMs - one.writtenAtMs);
    this.losses.surplus = found.splice(COPIES_MAX).length;
    for (const { name, header } of found) {
      const state = await this.#reading(() => this.#verify(name, header));
      if (state === undefined) continue;
      taken.add(name);
      take(name, state);
    }
    return names.filter((name) => !taken.has(name));
  }

  /** Folders are left alone, as are all files that are not ours. */
  async #list(): Promise<readonly string[]> {
    const { files, folder, run } = this.#world;
    const list = (): Promise<Dirent[]> => files.readdir(folder.path, { withFileTypes: true });
    const entries = await run('read', '', list);
    return entries.flatMap((entry) => (entry.isDirectory() ? [] : (readCopyFile(entry.name) ?? [])));
  }

  /** Counts what comes to nothing. */
  async #reading<Value>(read: () => Promise<Value | 'damaged' | 'late'>): Promise<Value | undefined> {
    try {
      const value = this.#isOver() ? 'late' : await read();
      if (value !== 'damaged' && value !== 'late') return value;
      this.losses[value === 'damaged' ? 'damaged' : 'unread'] += 1;
    } catch {
      // Reported already.
      this.losses.unread += 1;
    }
    return undefined;
  }

  #look(name: string): Promise<FoundCopy | 'damaged'> {
    const { files, folder, run } = this.#world;
    const look = async (handle: FileHandle): Promise<FoundCopy | 'damaged'> => {
      const stats = await handle.stat();
      if (!stats.isFile()) return 'damaged';
      const header = readHeader((await readBytes(handle, 0, HEADER_BYTES)).toString('latin1'));
      if (header === undefined || stats.size < HEADER_BYTES + header.bytes) return 'damaged';
      return { name, header, writtenAtMs: stats.mtimeMs };
    };
    return run('read', name, async () => {
      try {
        return await withCopyFile(files, folder.pathOf(copyFile(name)), 'read', look);
      } catch (error) {
        if (isNoFile(error)) return 'damaged';
        throw error;
      }
    });
  }

  async #verify(name: string, { bytes, sha256 }: CopyHeader): Promise<CopyState | 'damaged' | 'late'> {
    const { files, folder, run } = this.#world;
    const hash = startHash(name);
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const piece = await run('read', name, () =>
        withCopyFile(files, folder.pathOf(copyFile(name)), 'read', (handle) =>
          readBytes(handle, HEADER_BYTES + at, Math.min(PIECE_BYTES, bytes - at)),
        ),
      );
      hash.update(piece);
      if (this.#isOver()) break;
    }
    if (this.#isOver()) return 'late';
    return hash.copy().digest('hex') === sha256 ? { length: bytes, hash } : 'damaged';
  }
}
