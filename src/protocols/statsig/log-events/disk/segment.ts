// One file of batches, written to its end and never changed, and beside it a list of those that are done.
import { constants, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { ifThere } from '../../../../files/file-system.js';
import { BrokenSeal, type Seal } from '../../../../files/seal.js';
import { BatchDamage } from '../batch.js';
import { decodeBatch, encodeBatch, HEAD_BYTES, makeHead, type StoredBatch } from './record.js';

export const SEGMENT_SUFFIX = '.events';
export const DONE_SUFFIX = '.done';
/** Kept for inspection where something in it could not be read. */
export const DAMAGED_SUFFIX = '.damaged';
/** How a file begins, by what its records are sealed with. */
export const SEALED_BY_FOLDER_KEY = Buffer.from('SFPEVT02');
export const SEALED_BY_DATA_KEYS = Buffer.from('SFPEVT03');
/** How a new file begins, and what seals its records then. */
export interface SegmentHead {
  readonly mark: Buffer;
  readonly seal: Seal;
}
export const FILE_HEAD_BYTES = SEALED_BY_FOLDER_KEY.length;
/** In the list of what is done: where a record begins in its file, and a checksum of that. */
export const DONE_ENTRY_BYTES = 8;
const OWNER_ONLY = 0o600;
/** Small batches are sealed in 20 to 40 µs each: after so many the event loop gets its turn. */
const SEALS_PER_TURN = 64;
const PARTLY_WRITTEN = 'the disk accepted only a part of the log events';
/** Written where we say, and not at its end: what a full disk took of an entry is overwritten by the next try. */
const DONE_FLAGS = constants.O_WRONLY | constants.O_CREAT;

/** Where a batch stands in its file. */
export interface Place {
  /** Less than 2^32: the list of what is done has four bytes for it. */
  readonly offset: number;
  /** With its head. */
  readonly bytes: number;
}

export class Segment {
  /** Without its suffix. */
  readonly path: string;
  readonly #seal: Seal;
  readonly #handle: FileHandle;
  #doneHandle: FileHandle | undefined;
  /** Where each of them begins. */
  #unwrittenDone: number[] = [];
  /** Of the file, as far as it is good. */
  bytes = FILE_HEAD_BYTES;
  /** Of the list of what is done, as far as it is good. */
  doneBytes = 0;
  /** Of records that are not done. */
  liveBytes = 0;
  /** Something in it could not be read. */
  isDamaged = false;

  constructor(path: string, seal: Seal, handle: FileHandle) {
    this.path = path;
    this.#seal = seal;
    this.#handle = handle;
  }

  static async create(path: string, { mark, seal }: SegmentHead): Promise<Segment> {
    const handle = await open(path + SEGMENT_SUFFIX, 'wx+', OWNER_ONLY);
    try {
      const { bytesWritten } = await handle.write(mark, 0, FILE_HEAD_BYTES, 0);
      if (bytesWritten !== FILE_HEAD_BYTES) throw new Error(PARTLY_WRITTEN);
    } catch (error) {
      await handle.close();
      await unlink(path + SEGMENT_SUFFIX);
      throw error;
    }
    return new Segment(path, seal, handle);
  }

  /**
   * A segment that another process wrote; undefined where `sealFor` knows no seal for how it begins. Nothing is counted as
   * live yet.
   */
  static async reopen(
    path: string,
    sealFor: (mark: Buffer) => Seal | undefined,
  ): Promise<Segment | undefined> {
    const handle = await open(path + SEGMENT_SUFFIX, 'r');
    let seal: Seal | undefined;
    try {
      const head = Buffer.alloc(FILE_HEAD_BYTES);
      await handle.read(head, 0, FILE_HEAD_BYTES, 0);
      seal = sealFor(head);
      return seal && new Segment(path, seal, handle);
    } finally {
      if (seal === undefined) await handle.close();
    }
  }

  /** Writes the batches one after another and syncs once. Where that fails, the file ends where it ended before. */
  async append(batches: readonly StoredBatch[]): Promise<readonly Place[]> {
    const places: Place[] = [];
    const pieces: Buffer[] = [];
    let offset = this.bytes;
    for (const batch of batches) {
      if (places.length % SEALS_PER_TURN === SEALS_PER_TURN - 1) await nextTurn();
      const sealed = await this.#seal.close(encodeBatch(batch));
      const contentBytes = sealed.reduce((sum, piece) => sum + piece.length, 0);
      pieces.push(makeHead(contentBytes), ...sealed);
      places.push({ offset, bytes: HEAD_BYTES + contentBytes });
      offset += HEAD_BYTES + contentBytes;
    }
    await this.#writeAll(pieces, offset);
    this.bytes = offset;
    for (const place of places) this.enliven(place);
    return places;
  }

  enliven({ bytes }: Place): void {
    this.liveBytes += bytes;
  }

  /** Throws `BatchDamage` where the record is not what was written, and `DataKeyMissing` while its key is not there. */
  async read({ offset, bytes }: Place): Promise<StoredBatch> {
    const content = Buffer.allocUnsafeSlow(bytes - HEAD_BYTES);
    const bytesRead = await this.readBytes(content, offset + HEAD_BYTES);
    if (bytesRead < content.length) throw new BatchDamage('the file is shorter than it was');
    try {
      return decodeBatch(await this.#seal.open(content));
    } catch (error) {
      if (!(error instanceof BrokenSeal)) throw error;
      throw new BatchDamage('the record is not what was written', { cause: error });
    }
  }

  /** How many bytes there were: fewer than asked for at the end of the file. */
  async readBytes(into: Buffer, offset: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, offset);
    return bytesRead;
  }

  /** To be written with the next `writeDone`. */
  done({ offset, bytes }: Place): void {
    this.liveBytes -= bytes;
    this.#unwrittenDone.push(offset);
  }

  /** Not synced: what is lost in a power cut is sent once more. A killed process loses nothing. */
  async writeDone(): Promise<void> {
    const offsets = [...this.#unwrittenDone];
    if (offsets.length === 0) return;
    const entries = Buffer.alloc(offsets.length * DONE_ENTRY_BYTES);
    for (const [index, offset] of offsets.entries()) {
      const at = index * DONE_ENTRY_BYTES;
      entries.writeUInt32BE(offset, at);
      entries.writeUInt32BE(crc32(entries.subarray(at, at + 4)), at + 4);
    }
    this.#doneHandle ??= await open(this.path + DONE_SUFFIX, DONE_FLAGS, OWNER_ONLY);
    const { bytesWritten } = await this.#doneHandle.write(entries, 0, entries.length, this.doneBytes);
    if (bytesWritten !== entries.length) throw new Error(PARTLY_WRITTEN);
    this.doneBytes += entries.length;
    // Where the write failed they are still here for the next; more may have come meanwhile.
    this.#unwrittenDone = this.#unwrittenDone.slice(offsets.length);
  }

  /** Removes the files: the batches first, so that a crash in between leaves no batches without their list. */
  async remove(): Promise<void> {
    await this.close();
    const file = this.path + SEGMENT_SUFFIX;
    if (this.isDamaged) await ifThere(rename(file, this.path + DAMAGED_SUFFIX));
    else await ifThere(unlink(file));
    await ifThere(unlink(this.path + DONE_SUFFIX));
  }

  async close(): Promise<void> {
    await this.#handle.close();
    await this.#doneHandle?.close();
  }

  /** It was removed from outside: what is written to it is lost when this process ends. */
  async #isRemoved(): Promise<boolean> {
    if ((await this.#handle.stat()).nlink > 0) return false;
    // Some file systems count no links at all.
    return (await ifThere(stat(this.path + SEGMENT_SUFFIX))) === undefined;
  }

  async #writeAll(pieces: readonly Buffer[], end: number): Promise<void> {
    try {
      const { bytesWritten } = await this.#handle.writev(pieces, this.bytes);
      if (bytesWritten !== end - this.bytes) throw new Error(PARTLY_WRITTEN);
      await this.#handle.datasync();
      if (await this.#isRemoved()) throw new Error('the file of log events was removed');
    } catch (error) {
      // What was written of it is cut off, or, where that fails too, found torn by the next start.
      await this.#handle.truncate(this.bytes).catch(() => undefined);
      throw error;
    }
  }
}

/** The file of batches that a list of done ones belongs to. */
export function segmentOf(doneName: string): string {
  return doneName.slice(0, -DONE_SUFFIX.length) + SEGMENT_SUFFIX;
}
