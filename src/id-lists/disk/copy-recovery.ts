// What an earlier process left in the folder of copies: which of it is as it was written, and what is to go.
import type { Hash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { ifThere, isNoFile, READ_FLAGS } from '../../sources/disk/file-system.js';
import { CHECKPOINT_BYTES_MAX, readCheckpoint, startHash, type Checkpoint } from './checkpoint.js';
import { checkpointFile, copyFile, readFileName, type CopyFileName } from './copy-names.js';
import type { CopyState, CopyWorld } from './disk-copy.js';

/** Of those used last; the others are removed. So many are found in a second or two. */
export const COPIES_MAX = 4096;
/** Of a copy at a time: hashed in less than a millisecond. */
const PIECE_BYTES = 262_144;
const CUT_FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW;

/** How many copies were not taken over, by reason. */
export interface Losses {
  /** Not as they were written, or never whole. */
  damaged: number;
  /** Beyond `COPIES_MAX`. */
  surplus: number;
  /** Of which it is not known: the disk failed, or the deadline was over. */
  unread: number;
}

/** Which kinds of files each name has. Folders are left alone, as is all that is not ours. */
export async function listCopies(
  world: CopyWorld,
): Promise<ReadonlyMap<string, ReadonlySet<CopyFileName['kind']>>> {
  const entries: readonly Dirent[] = await world.access.run({ access: 'read', name: '' }, () =>
    world.files.readdir(world.folder.path, { withFileTypes: true }),
  );
  const found = new Map<string, Set<CopyFileName['kind']>>();
  for (const entry of entries) {
    const file = readFileName(entry.name);
    if (file === undefined || entry.isDirectory()) continue;
    found.set(file.name, (found.get(file.name) ?? new Set()).add(file.kind));
  }
  return found;
}

export class CopyRecovery {
  readonly losses: Losses = { damaged: 0, surplus: 0, unread: 0 };
  readonly #world: CopyWorld;
  readonly #isOver: () => boolean;

  /** `isOver`: whether the deadline is over; asked for before each piece. */
  constructor(world: CopyWorld, isOver: () => boolean) {
    this.#world = world;
    this.#isOver = isOver;
  }

  /** Calls `take` for each copy that is as it was written, the one used last first, and gives the names of all others. */
  async run(take: (name: string, state: CopyState) => void): Promise<readonly string[]> {
    const found = await listCopies(this.#world);
    const known: (readonly [string, Checkpoint])[] = [];
    const dropped: string[] = [];
    for (const [name, kinds] of found) {
      const checkpoint = kinds.has('copy') ? await this.#readCheckpoint(name) : undefined;
      if (checkpoint === undefined) dropped.push(name);
      else known.push([name, checkpoint]);
    }
    known.sort(([, one], [, other]) => other.usedAtMs - one.usedAtMs);
    for (const [name] of known.splice(COPIES_MAX)) {
      this.losses.surplus += 1;
      dropped.push(name);
    }
    for (const [name, checkpoint] of known) {
      const state = await this.#verify(name, checkpoint);
      if (state === undefined) dropped.push(name);
      else take(name, state);
    }
    return dropped;
  }

  async #readCheckpoint(name: string): Promise<Checkpoint | undefined> {
    const bytes = await this.#within(checkpointFile(name), name, async (handle) => {
      const text = Buffer.alloc(CHECKPOINT_BYTES_MAX);
      const bytesRead = await this.#readAt(name, handle, text, 0);
      return text.subarray(0, bytesRead);
    });
    const checkpoint = bytes && readCheckpoint(bytes.toString('latin1'));
    if (bytes !== undefined && checkpoint === undefined) this.losses.damaged += 1;
    return checkpoint;
  }

  async #verify(name: string, { bytes, sha256, usedAtMs }: Checkpoint): Promise<CopyState | undefined> {
    return this.#within(copyFile(name), name, async (handle) => {
      const hash = startHash(name);
      const hashedBytes = await this.#hash(name, handle, bytes, hash);
      if (hashedBytes === undefined) return undefined;
      if (hashedBytes < bytes || hash.copy().digest('hex') !== sha256) {
        this.losses.damaged += 1;
        return undefined;
      }
      await this.#cut(name, handle, bytes);
      // Once more: the disk may have taken its time to cut it.
      return this.#isLate() ? undefined : { length: bytes, hash, checkpointUsedAtMs: usedAtMs };
    });
  }

  /** How many there were; undefined where the deadline was over first. */
  async #hash(name: string, handle: FileHandle, bytes: number, hash: Hash): Promise<number | undefined> {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes));
    let at = 0;
    while (at < bytes) {
      const bytesRead = await this.#readAt(name, handle, piece.subarray(0, bytes - at), at);
      if (this.#isLate()) return undefined;
      if (bytesRead === 0) break;
      hash.update(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
    return at;
  }

  #isLate(): boolean {
    if (!this.#isOver()) return false;
    this.losses.unread += 1;
    return true;
  }

  /** What was written behind the last checkpoint. Where it cannot be cut off, it does not count all the same. */
  async #cut(name: string, handle: FileHandle, bytes: number): Promise<void> {
    const { access, files, folder } = this.#world;
    const { size } = await access.run({ access: 'read', name }, () => handle.stat());
    if (size === bytes) return;
    try {
      await access.run({ access: 'write', name }, async () => {
        // There may be a new copy of that name since.
        if (this.#isOver()) return;
        const writable = await files.open(folder.pathOf(copyFile(name)), CUT_FLAGS);
        await writable.truncate(bytes).finally(() => writable.close());
      });
    } catch {
      // Told by `access`: a disk that is read-only can be read from.
    }
  }

  #readAt(name: string, handle: FileHandle, into: Uint8Array, at: number): Promise<number> {
    return this.#world.access.run({ access: 'read', name }, async () => {
      const { bytesRead } = await handle.read(into, 0, into.length, at);
      return bytesRead;
    });
  }

  /** Undefined where the file is none, or cannot be read: what cannot be read is not as it was written. */
  async #within<Value>(
    file: string,
    name: string,
    use: (handle: FileHandle) => Promise<Value | undefined>,
  ): Promise<Value | undefined> {
    if (this.#isLate()) return undefined;
    const { access } = this.#world;
    let handle: FileHandle | undefined;
    try {
      handle = await access.run({ access: 'read', name }, () => this.#open(file), closeLate);
      if (handle !== undefined) return await use(handle);
    } catch {
      // Told by `access`.
      this.losses.unread += 1;
    } finally {
      await handle?.close().catch((error: unknown) => {
        access.failed('read', name, error);
      });
    }
    return undefined;
  }

  /** Undefined for what is no file of bytes. */
  async #open(file: string): Promise<FileHandle | undefined> {
    const { files, folder } = this.#world;
    try {
      const handle = await ifThere(files.open(folder.pathOf(file), READ_FLAGS));
      const stats = await handle?.stat();
      if (stats?.isFile() !== false) return handle;
      await handle?.close();
    } catch (error) {
      if (!isNoFile(error)) throw error;
    }
    this.losses.damaged += 1;
    return undefined;
  }
}

async function closeLate(handle: FileHandle | undefined): Promise<void> {
  await handle?.close();
}
