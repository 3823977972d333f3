// What is done to the snapshots in the folder, one payload at a time: the caller makes sure that no two calls overlap.
import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import { isNewer } from '../../domain/version.js';
import type { Logger } from '../../observability/logger.js';
import type { BodyLimits } from '../../bodies/body-intake.js';
import type { BackupSeal } from '../backup-seal.js';
import type { Loading, Removing, SnapshotFault, Storing } from '../snapshots.js';
import type { Bounds, DataFolder, Victim } from './data-folder.js';
import type { DiskHealth } from '../../files/disk-health.js';
import { snapshotName, temporaryName } from './file-names.js';
import { errorCode, ifThere, type FileSystem } from '../../files/file-system.js';
import { CONFIRMED_EVERY_MS } from './recent-confirmations.js';
import {
  openSnapshot,
  readPayload,
  setTimes,
  writeSnapshot,
  type FileTimes,
  type Opening,
  type OpenSnapshot,
} from './snapshot-file.js';

/** Enough that no two handles on one folder ever have the same. */
const WRITER_BYTES = 6;

/** What is stored of a payload, compared with a version. */
export type Comparison = Settled | { readonly kind: 'older' } | { readonly kind: 'missing' };
/** Nothing is left to be written. */
type Settled = { readonly kind: 'stored' } | { readonly kind: 'newer'; readonly version: number };

/** Every method throws what the file system does. */
export class SnapshotStore {
  readonly #files: FileSystem;
  readonly #folder: DataFolder;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #health: DiskHealth;
  readonly #limits: BodyLimits;
  readonly #seal: BackupSeal;
  readonly #writer = randomBytes(WRITER_BYTES).toString('hex');
  #written = 0;
  #count = 0;
  #bytes = 0;

  constructor(
    files: FileSystem,
    folder: DataFolder,
    clock: Clock,
    { log, health }: { readonly log: Logger; readonly health: DiskHealth },
    { limits, seal }: { readonly limits: BodyLimits; readonly seal: BackupSeal },
  ) {
    this.#files = files;
    this.#folder = folder;
    this.#clock = clock;
    this.#log = log;
    this.#health = health;
    this.#limits = limits;
    this.#seal = seal;
  }

  /** Snapshots in the folder: as counted by the last survey, and with what was done by this process since. */
  get count(): number {
    return Math.max(0, this.#count);
  }

  /** As of the last survey, and what this process has written since: more than there are, if anything. To be asked where they are bounded. */
  get bytes(): number {
    return this.#bytes;
  }

  async load(key: PayloadKey): Promise<Loading> {
    const loading = await this.#use(key, async (opened) => {
      const payload = await readPayload(opened, key, this.#seal);
      if (typeof payload === 'string') {
        return { kind: 'unusable', fault: payload, inode: opened.inode } as const;
      }
      const confirmedAgoMs = Math.max(0, this.#clock.nowMs() - opened.confirmedAtMs);
      return { kind: 'found', snapshot: { payload, confirmedAgoMs } } as const;
    });
    this.#health.worked('read', snapshotName(key));
    if (loading.kind !== 'unusable') return loading;
    const { fault } = loading;
    // Its key may come back.
    if (fault !== 'data_key_missing') await this.#setAside(snapshotName(key), fault, loading.inode);
    return { kind: 'unusable', fault };
  }

  /**
   * Where this very version is stored, it counts as confirmed at `confirmedAtMs`, unless it was later; as older where it is
   * not sealed as it would be now. What cannot be used is set aside, and missing.
   */
  async compare(key: PayloadKey, version: number, confirmedAtMs: number): Promise<Comparison> {
    const comparison = await this.#use(key, async ({ handle, header, confirmedAtMs: storedAtMs }) => {
      // Said here too: the file was read, though it may not let itself be touched.
      this.#health.worked('read', snapshotName(key));
      const nowMs = this.#clock.nowMs();
      if (isNewer(header.version, version, nowMs)) return { kind: 'newer', version: header.version } as const;
      const isSealedAsNow = (header.sealedWith ?? '') === this.#seal.id;
      if (header.version !== version || !isSealedAsNow) return { kind: 'older' } as const;
      // A time ahead of now was set by a clock that has been set back since.
      const isGoodEnough = storedAtMs <= nowMs && confirmedAtMs - storedAtMs < CONFIRMED_EVERY_MS;
      if (isGoodEnough) return { kind: 'stored' } as const;
      const isTouched = await touch(handle, { confirmedAtMs, nowMs });
      if (!isTouched) return { kind: 'older' } as const;
      this.#health.worked('write', snapshotName(key));
      return { kind: 'stored' } as const;
    });
    this.#health.worked('read', snapshotName(key));
    if (comparison.kind !== 'unusable') return comparison;
    await this.#setAside(snapshotName(key), comparison.fault, comparison.inode);
    return { kind: 'missing' };
  }

  /** `confirmedAtMs`: when the origin said that this is its newest, by the wall clock. */
  async save(key: PayloadKey, payload: Payload, confirmedAtMs: number): Promise<Storing> {
    await this.#folder.make();
    const before = await this.compare(key, payload.version, confirmedAtMs);
    if (isSettled(before)) return before;
    const name = snapshotName(key);
    const temporary = temporaryName(name, this.#writer, (this.#written += 1));
    const path = this.#folder.pathOf(temporary);
    try {
      const times = { confirmedAtMs, nowMs: this.#clock.nowMs() };
      await writeSnapshot(this.#files, path, { key, payload, seal: this.#seal }, times);
      // Another process may have stored a newer version while this one was written. It may still do so between this
      // look and the rename, which no file system makes one step: the older of two good files stays then, until the
      // newer one is confirmed again.
      const now = await this.compare(key, payload.version, confirmedAtMs);
      if (isSettled(now)) {
        await this.#folder.remove(temporary);
        return now;
      }
      await this.#files.rename(path, this.#folder.pathOf(name));
      if (now.kind === 'missing') this.#count += 1;
      this.#bytes += payload.originForm.bytes.length;
    } catch (error) {
      await this.#discard(temporary);
      throw error;
    }
    await this.#folder.sync();
    this.#health.worked('write', name);
    return { kind: 'stored' };
  }

  async remove(key: PayloadKey): Promise<Removing> {
    if (!(await this.#folder.isThere())) return { kind: 'missing' };
    const name = snapshotName(key);
    await this.#folder.removeSetAside(name);
    try {
      if (!(await this.#folder.remove(name))) return { kind: 'missing' };
    } catch (error) {
      if (errorCode(error) !== 'EISDIR') throw error;
      await this.#setAside(name, 'unknown_format', undefined);
      return { kind: 'unusable', fault: 'unknown_format' };
    }
    this.#count -= 1;
    await this.#folder.sync();
    this.#health.worked('write', name);
    return { kind: 'removed' };
  }

  /** Removes what is no longer needed, and returns the snapshots beyond the bounds. */
  async survey(bounds: Bounds): Promise<readonly Victim[]> {
    await this.#folder.make();
    const { snapshots, bytes, victims } = await this.#folder.survey(this.#clock.nowMs(), bounds);
    this.#count = snapshots;
    this.#bytes = bytes;
    return victims;
  }

  /** False where it was confirmed since it was found to be too many. */
  async giveUp({ name, mtimeMs }: Victim): Promise<boolean> {
    const stats = await ifThere(this.#files.lstat(this.#folder.pathOf(name)));
    if (stats?.mtimeMs !== mtimeMs) return false;
    if (await this.#folder.remove(name)) this.#count -= 1;
    return true;
  }

  /** Runs `use` with the file open, and closes it. */
  async #use<Result>(
    key: PayloadKey,
    use: (opened: OpenSnapshot) => Promise<Result>,
  ): Promise<Result | Exclude<Opening, OpenSnapshot>> {
    if (!(await this.#folder.isThere())) return { kind: 'missing' };
    const path = this.#folder.pathOf(snapshotName(key));
    const opening = await openSnapshot(this.#files, path, key, this.#limits);
    if (opening.kind !== 'open') return opening;
    try {
      return await use(opening);
    } finally {
      await opening.handle.close();
    }
  }

  /** Where it cannot be set aside it stays, is found again, and is served no more than before. */
  async #setAside(name: string, fault: SnapshotFault, inode: number | undefined): Promise<void> {
    try {
      if (!(await this.#folder.setAside(name, inode))) return;
    } catch (error) {
      this.#health.failed('write', name, error);
      return;
    }
    this.#count -= 1;
    this.#log.warn(
      { folder: this.#folder.path, file: name, fault },
      'stored spec set aside: it cannot be used',
    );
  }

  async #discard(temporary: string): Promise<void> {
    try {
      await this.#folder.remove(temporary);
    } catch {
      // What made the write fail may forbid this too: it is removed when it has become old.
    }
  }
}

/** False for a file of another user: only its owner may set its times, but this process may replace it. */
async function touch(handle: FileHandle, times: FileTimes): Promise<boolean> {
  try {
    await setTimes(handle, times);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EPERM') return false;
    throw error;
  }
}

export function isSettled(comparison: Comparison): comparison is Settled {
  return comparison.kind === 'stored' || comparison.kind === 'newer';
}
