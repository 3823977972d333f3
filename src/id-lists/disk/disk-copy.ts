// One copy on a disk: its bytes in one file, and beside it a checkpoint that says how many of them are right.
import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import type { Cancel } from '../../domain/clock.js';
import type { OwnFolder } from '../../sources/disk/own-folder.js';
import { writeBytes } from '../../sources/disk/write-bytes.js';
import type { CopyBytes } from '../copy-place.js';
import { encodeCheckpoint } from './checkpoint.js';
import { checkpointFile, copyFile, temporaryFile } from './copy-names.js';
import { CopyReading, type ReadingWorld } from './copy-reading.js';
import type { WriteHandles } from './write-handles.js';

/** Of a piece at a time: written and hashed in less than a millisecond. */
const SLICE_BYTES = 262_144;
/** So much of a copy is lost with the process that is killed: what came in the last seconds, or ... */
const CHECKPOINT_PAUSE_MS = 5_000;
/** ... this, where more comes. */
const CHECKPOINT_EVERY_BYTES = 32 * 1024 * 1024;
/** How far the time of use on the disk may be behind. */
const USED_EVERY_MS = 60_000;
export const FILE_MODE = 0o600;
/** What was left under a temporary name is written over. */
export const TEMPORARY_FLAGS =
  constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

export interface CopyWorld extends ReadingWorld {
  readonly folder: OwnFolder;
  readonly handles: WriteHandles;
  /** Called once for each copy that was removed; `isLeft`: where its files could not be. */
  readonly removed: (copy: DiskCopy, isLeft: boolean) => void;
}

/** What is known of a copy's bytes. */
export interface CopyState {
  readonly length: number;
  /** Of the name and all bytes. */
  readonly hash: Hash;
  /** What the checkpoint on the disk says; undefined where there is none. */
  readonly checkpointUsedAtMs: number | undefined;
}

export class DiskCopy implements CopyBytes {
  readonly name: string;
  readonly path: string;
  readonly #world: CopyWorld;
  #length: number;
  #hash: Hash;
  #usedAtMs: number;
  #checkpointBytes: number | undefined;
  #checkpointUsedAtMs: number;
  #cancelCheckpoint: Cancel | undefined;
  #isGone = false;
  #removal: Promise<void> | undefined;
  #readings = 0;
  readonly #openings = new Set<Promise<void>>();

  constructor(world: CopyWorld, name: string, { length, hash, checkpointUsedAtMs }: CopyState) {
    this.#world = world;
    this.name = name;
    this.path = world.folder.pathOf(copyFile(name));
    this.#length = length;
    this.#hash = hash;
    this.#usedAtMs = checkpointUsedAtMs ?? world.clock.nowMs();
    this.#checkpointUsedAtMs = this.#usedAtMs;
    this.#checkpointBytes = checkpointUsedAtMs === undefined ? undefined : length;
  }

  get length(): number {
    return this.#length;
  }

  async append(piece: Uint8Array): Promise<void> {
    if (this.#isGone) throw new Error('the copy was removed');
    // A hash that grew with what does not count in the end would be of no use: the one that is kept stays as it is.
    const hash = this.#hash.copy();
    await this.#world.access.run({ access: 'write', name: this.name }, () => this.#write(piece, hash));
    this.#hash = hash;
    this.#length += piece.length;
    if (this.#length - (this.#checkpointBytes ?? 0) >= CHECKPOINT_EVERY_BYTES) void this.writeCheckpoint();
    else this.#scheduleCheckpoint();
  }

  read(from: number, to: number): AsyncIterable<Uint8Array> {
    if (!(from >= 0 && from <= to && to <= this.#length)) throw new RangeError(`no bytes ${from} to ${to}`);
    if (from === to) return nothing();
    if (this.#isGone) return removedBefore();
    const { name, path } = this;
    const line = `${name} ${(this.#readings += 1)}`;
    const reading = new CopyReading(this.#world, { name, path, from, to }, line);
    this.#openings.add(reading.opened);
    void reading.opened.then(() => this.#openings.delete(reading.opened));
    return reading;
  }

  used(): void {
    this.#usedAtMs = this.#world.clock.nowMs();
    // A time ahead of now was set by a clock that has been set back since.
    if (Math.abs(this.#usedAtMs - this.#checkpointUsedAtMs) >= USED_EVERY_MS) this.#scheduleCheckpoint();
  }

  remove(): Promise<void> {
    if (!this.#isGone) this.#removal = this.#remove();
    return this.removal;
  }

  /** Resolves when nothing is done to its files any more because of a `remove`. */
  get removal(): Promise<void> {
    return this.#removal ?? Promise.resolve();
  }

  /** Another copy takes its place. Resolves when what is being read of it holds its file open. */
  async giveWay(): Promise<void> {
    this.#isGone = true;
    this.#cancelCheckpoint?.();
    this.#cancelCheckpoint = undefined;
    await Promise.all(this.#openings);
  }

  /** No other copy took its place. */
  comeBack(): void {
    this.#isGone = false;
    this.#scheduleCheckpoint();
  }

  /** Never rejects: where it fails, the next append or use has another one written. */
  async writeCheckpoint(): Promise<void> {
    this.#cancelCheckpoint?.();
    this.#cancelCheckpoint = undefined;
    // A name of its own: that appends work while it fails is no news.
    const turn = { access: 'write', name: checkpointFile(this.name), line: this.name } as const;
    try {
      await this.#world.access.run(turn, () => this.#replaceCheckpoint());
    } catch {
      // Told by `access`. The one on the disk is still right: bytes that it knows of do not change.
    }
  }

  get hasCheckpoint(): boolean {
    return this.#checkpointBytes === this.#length;
  }

  async #write(piece: Uint8Array, hash: Hash): Promise<void> {
    const { handles } = this.#world;
    const handle = await handles.of(this);
    try {
      for (let at = 0; at < piece.length; at += SLICE_BYTES) {
        const slice = piece.subarray(at, at + SLICE_BYTES);
        await writeBytes(handle, slice, this.#length + at);
        hash.update(slice);
      }
    } catch (error) {
      await handles.close(this);
      throw error;
    }
  }

  async #replaceCheckpoint(): Promise<void> {
    if (this.#isGone) return;
    const { files, folder } = this.#world;
    const bytes = this.#length;
    const usedAtMs = this.#usedAtMs;
    const text = encodeCheckpoint({ bytes, sha256: this.#hash.copy().digest('hex'), usedAtMs });
    const path = folder.pathOf(checkpointFile(this.name));
    const handle = await files.open(temporaryFile(path), TEMPORARY_FLAGS, FILE_MODE);
    try {
      await writeBytes(handle, text, 0);
    } finally {
      await handle.close();
    }
    await files.rename(temporaryFile(path), path);
    this.#checkpointBytes = bytes;
    this.#checkpointUsedAtMs = usedAtMs;
  }

  #scheduleCheckpoint(): void {
    if (this.#isGone) return;
    this.#cancelCheckpoint ??= this.#world.clock.schedule(CHECKPOINT_PAUSE_MS, () => {
      void this.writeCheckpoint();
    });
  }

  async #remove(): Promise<void> {
    const { access, folder, handles, removed } = this.#world;
    await this.giveWay();
    let isLeft = false;
    try {
      await access.run({ access: 'write', name: this.name }, async () => {
        await handles.close(this);
        await folder.remove(checkpointFile(this.name));
        await folder.remove(copyFile(this.name));
      });
    } catch {
      // Told by `access`.
      isLeft = true;
    }
    removed(this, isLeft);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  // There is no byte between a place and itself.
}

async function* removedBefore(): AsyncGenerator<Uint8Array, void, undefined> {
  throw new Error('the copy was removed before it was read');
}
