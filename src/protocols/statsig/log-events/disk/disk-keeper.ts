// Keeps batches on disk: many in one write and one sync, in files that go when all that is in them is done.
import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConcurrencyLimit } from '../../../../domain/concurrency-limit.js';
import type { DataKeys } from '../../../../files/data-keys.js';
import type { FolderUser } from '../../../../files/own-folder.js';
import { inBackground } from '../../../../observability/in-background.js';
import type { Logger } from '../../../../observability/logger.js';
import { BatchDamage, type Batch, type KeptBatch, type LocalKeeper } from '../batch.js';
import { DiskBatch, inOrder } from './disk-batch.js';
import { EventFolder } from './event-folder.js';
import { HeldBackFiles } from './held-back-files.js';
import type { StoredBatch } from './record.js';
import {
  DAMAGED_SUFFIX,
  DONE_SUFFIX,
  FILE_HEAD_BYTES,
  Segment,
  SEGMENT_SUFFIX,
  segmentOf,
} from './segment.js';
import { recoverSegment } from './segment-recovery.js';
import { findSurplus } from './surplus-segment.js';
import { takeGroup, type Waiting } from './write-group.js';

const NAME_DIGITS = 16;

export interface DiskKeeperOptions {
  readonly folder: string;
  /** The user that must own the folder; undefined where the system has no users. */
  readonly user: FolderUser | undefined;
  /** A file is closed when it is this large. */
  readonly segmentBytes: number;
  /** With a key among them, it seals new files; else the key in the folder does. */
  readonly dataKeys: DataKeys;
}

/** Hears of damage that was found, and of what could not be written or locked. */
export interface DiskKeeperListener {
  damaged(segment: string, records: number, tornBytes: number): void;
  /** What is done could not be written down: after a restart it would be sent once more. */
  progressNotWritten(error: unknown): void;
  /** So many files cannot be opened without a data key that is missing, as `error` says; called again when that changes. */
  heldBack(files: number, error: unknown): void;
  /** The file system has no locks of our kind, or the path is too long for one. */
  notLocked(error: unknown): void;
}

export class DiskKeeper implements LocalKeeper {
  readonly isDurable = true;
  readonly isShared = false;
  readonly #log: Logger;
  readonly #listener: DiskKeeperListener;
  readonly #disk: ConcurrencyLimit;
  readonly #options: DiskKeeperOptions;
  readonly #folder: EventFolder;
  readonly #segments = new Map<Segment, Set<DiskBatch>>();
  #current: Segment | undefined;
  #lastSequence = 0;
  #lastName = 0;
  readonly #waiting: Waiting[] = [];
  readonly #heldBack: HeldBackFiles;
  #found: (batches: readonly KeptBatch[]) => void = () => undefined;
  #hasProgress = false;
  #working: Promise<void> | undefined;

  /** `disk`: of one operation at a time, so that a hanging disk holds one of Node's four threads. */
  constructor(log: Logger, listener: DiskKeeperListener, disk: ConcurrencyLimit, options: DiskKeeperOptions) {
    this.#log = log;
    this.#listener = listener;
    this.#disk = disk;
    this.#options = options;
    const { folder, user, dataKeys } = options;
    this.#folder = new EventFolder(folder, user, dataKeys, listener.notLocked.bind(listener));
    this.#heldBack = new HeldBackFiles(listener.heldBack.bind(listener));
    const retry = this.#retryHeldBack.bind(this);
    dataKeys.subscribe(() => {
      inBackground(disk(retry), log);
    });
  }

  async open(found: (batches: readonly KeptBatch[]) => void): Promise<readonly KeptBatch[]> {
    this.#found = found;
    try {
      return await this.#open();
    } catch (error) {
      // Left as it was found, so that it can be tried again.
      for (const segment of this.#segments.keys()) await segment.close();
      this.#segments.clear();
      this.#heldBack.clear();
      await this.#folder.close();
      throw error;
    }
  }

  keep(batch: Batch): Promise<KeptBatch> {
    return new Promise((resolve, reject) => {
      this.#lastSequence += 1;
      this.#waiting.push({ stored: { ...batch, sequence: this.#lastSequence }, resolve, reject });
      inBackground(this.#work(), this.#log);
    });
  }

  /** Nobody else can read what is here. */
  async handOver(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#work();
    for (const [segment, batches] of this.#segments) {
      await this.#try(() => (batches.size === 0 ? segment.remove() : segment.close()));
    }
    this.#segments.clear();
    this.#heldBack.clear();
    await this.#folder.close();
  }

  async #open(): Promise<readonly KeptBatch[]> {
    await this.#folder.open();
    const { path: folder } = this.#folder;
    const names = (await readdir(folder)).sort();
    const segmentNames: string[] = [];
    for (const name of names) {
      const number = Number.parseInt(name, 10);
      if (Number.isNaN(number)) continue;
      // No name is used twice: what is left of an old file would be taken for a part of the new one.
      this.#lastName = Math.max(this.#lastName, number);
      if (name.endsWith(SEGMENT_SUFFIX)) segmentNames.push(name);
      const isOrphan = name.endsWith(DONE_SUFFIX) && !names.includes(segmentOf(name));
      if (isOrphan) await unlink(join(folder, name));
    }
    const left = new Map<string, DiskBatch>();
    await this.#heldBack.takeOver(segmentNames, (name) => this.#takeOver(name, left));
    await this.#work();
    return inOrder(left);
  }

  async #retryHeldBack(): Promise<void> {
    const left = new Map<string, DiskBatch>();
    await this.#heldBack.retry((name) => this.#takeOver(name, left));
    this.#found(inOrder(left));
    inBackground(this.#work(), this.#log);
  }

  /** What an earlier process left in one file. A batch that stands in two, as one was being moved, is taken over once. */
  async #takeOver(name: string, left: Map<string, DiskBatch>): Promise<void> {
    const path = join(this.#folder.path, name.slice(0, -SEGMENT_SUFFIX.length));
    const segment = await Segment.reopen(path, this.#folder.sealFor.bind(this.#folder));
    const { size } = await stat(path + SEGMENT_SUFFIX);
    if (segment === undefined) {
      await this.#setAside(name, path, size);
      return;
    }
    const recovered = await recoverSegment(segment, size).catch(async (error: unknown) => {
      await segment.close();
      throw error;
    });
    this.#segments.set(segment, new Set());
    const { batches, damagedRecords, tornBytes } = recovered;
    if (damagedRecords + tornBytes > 0) this.#listener.damaged(name, damagedRecords, tornBytes);
    for (const { place, batch } of batches) {
      this.#lastSequence = Math.max(this.#lastSequence, batch.sequence);
      const kept = this.#add(batch, segment, place);
      if (left.has(batch.id)) kept.forget();
      else left.set(batch.id, kept);
    }
    this.#hasProgress = true;
  }

  /** A file without a head of ours. */
  async #setAside(name: string, path: string, fileBytes: number): Promise<void> {
    if (fileBytes < FILE_HEAD_BYTES) {
      // Its head was not written before the process ended, and so no batch was accepted into it.
      await unlink(path + SEGMENT_SUFFIX);
      return;
    }
    this.#listener.damaged(name, 0, fileBytes);
    await rename(path + SEGMENT_SUFFIX, path + DAMAGED_SUFFIX);
  }

  #add(stored: StoredBatch, segment: Segment, place: ConstructorParameters<typeof DiskBatch>[2]): DiskBatch {
    const kept = new DiskBatch(stored, segment, place, this.#disk, (batch) => {
      this.#segments.get(batch.segment)?.delete(batch);
      this.#hasProgress = true;
      inBackground(this.#work(), this.#log);
    });
    this.#segments.get(segment)?.add(kept);
    return kept;
  }

  /** One run at a time, which also serves what comes meanwhile. Never rejects. */
  #work(): Promise<void> {
    this.#working ??= this.#workOff();
    return this.#working;
  }

  async #workOff(): Promise<void> {
    // What comes in the same turn goes in the same write.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0 || this.#hasProgress) {
        const group = takeGroup(this.#waiting);
        if (group.length > 0) await this.#disk(() => this.#writeGroup(group));
        if (!this.#hasProgress) continue;
        this.#hasProgress = false;
        await this.#disk(() => this.#tidyUp());
      }
    } finally {
      // In the same turn as the last check: a batch that came in between would never be served.
      this.#working = undefined;
    }
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const segment = await this.#segmentForMore();
      const places = await segment.append(group.map(({ stored }) => stored));
      for (const [index, place] of places.entries()) {
        const { stored, resolve } = group[index] as Waiting;
        resolve(this.#add(stored, segment, place));
      }
    } catch (error) {
      // What is wrong with this file may be right with the next.
      this.#current = undefined;
      this.#hasProgress = true;
      for (const { reject } of group) reject(error);
    }
  }

  async #segmentForMore(): Promise<Segment> {
    if (this.#current !== undefined && this.#current.bytes < this.#options.segmentBytes) return this.#current;
    this.#lastName += 1;
    const name = String(this.#lastName).padStart(NAME_DIGITS, '0');
    await this.#folder.restore();
    const segment = await Segment.create(join(this.#folder.path, name), this.#folder.headForNew);
    this.#segments.set(segment, new Set());
    // The file's name has to outlive a power cut too.
    await this.#folder.sync();
    this.#current = segment;
    return segment;
  }

  /**
   * Removes files in which nothing is live, which a full disk needs first; then writes down what is done, and empties a
   * file that is mostly done. What fails is reported, and tried again with the next.
   */
  async #tidyUp(): Promise<void> {
    for (const [segment, batches] of this.#segments) {
      if (batches.size === 0 && segment !== this.#current) await this.#try(() => this.#remove(segment));
    }
    for (const segment of this.#segments.keys()) await this.#try(() => segment.writeDone());
    // Files that wait for their removal cannot be emptied any more, nor those with unreadable records.
    const movable = [...this.#segments].filter(([{ isDamaged }, { size }]) => size > 0 && !isDamaged);
    const segments = movable.map(([segment]) => segment);
    const surplus = findSurplus(segments, this.#current, this.#options.segmentBytes);
    if (surplus !== undefined) await this.#try(() => this.#empty(surplus));
  }

  async #remove(segment: Segment): Promise<void> {
    await segment.remove();
    this.#segments.delete(segment);
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#listener.progressNotWritten(error);
    }
  }

  async #empty(from: Segment): Promise<void> {
    for (const batch of [...(this.#segments.get(from) ?? [])]) {
      if (!batch.isDone) await this.#moveIfReadable(batch, from);
    }
    this.#hasProgress = true;
  }

  async #moveIfReadable(batch: DiskBatch, from: Segment): Promise<void> {
    try {
      await this.#move(batch, from, await batch.readStored());
    } catch (error) {
      if (!(error instanceof BatchDamage)) throw error;
      // The reader of the batch gets the error; the file is kept for inspection.
      from.isDamaged = true;
    }
  }

  async #move(batch: DiskBatch, from: Segment, stored: StoredBatch): Promise<void> {
    const to = await this.#segmentForMore();
    const [place] = await to.append([stored]);
    if (place === undefined) return;
    // It may have been done meanwhile.
    batch.moveTo(to, place);
    this.#segments.get(from)?.delete(batch);
    if (!batch.isDone) this.#segments.get(to)?.add(batch);
  }
}
