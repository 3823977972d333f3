// Snapshots on a disk that may be full, read-only, gone or hanging: nothing of that ever rejects, or is waited for too long.
import type { Clock } from '../../domain/clock.js';
import { atMost } from '../../domain/deadline.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import type { Logger } from '../../observability/logger.js';
import type { BodyLimits } from '../../bodies/body-intake.js';
import type { BackupSeal } from '../backup-seal.js';
import type { Confirming, Failing, Loading, Removing, Snapshots, Storing } from '../snapshots.js';
import { DataFolder, type Bounds, type Victim } from './data-folder.js';
import { DiskAccess, FolderClosed } from '../../files/disk-access.js';
import {
  DiskHealth,
  failureReason,
  WHOLE_FOLDER,
  type DiskFailing,
  type DiskLines,
} from '../../files/disk-health.js';
import { snapshotName } from './file-names.js';
import type { Access, DiskQueue } from '../../files/disk-queue.js';
import { systemFiles, type FileSystem } from '../../files/file-system.js';
import type { FolderUser } from '../../files/own-folder.js';
import { RecentConfirmations } from './recent-confirmations.js';
import { isSettled, SnapshotStore } from './snapshot-store.js';

/*
 * Plain files, and no embedded database: there are a few thousand values of 10 kB to 10 MB, each written seldom and read
 * once after a start. A rename is atomic, a file can be looked at, copied and deleted with what every system has, and
 * there is no native package to install.
 */

/** What everything that is kept on a disk shares. */
export interface OnDisk {
  readonly queue: DiskQueue;
  readonly seal: BackupSeal;
}

export interface DiskOptions extends Bounds, OnDisk {
  /** What is kept here, for log lines: specs, mostly. */
  readonly what: string;
  /** Made when it is needed, and refused where other users may write into it. */
  readonly folder: string;
  /** The user that must own the folder; undefined where the system has no users. */
  readonly user: FolderUser | undefined;
  /** What is larger is not read. */
  readonly limits: BodyLimits;
}

export interface DiskSnapshots extends Snapshots {
  /** Undefined where reads and writes work. */
  readonly failing: DiskFailing | undefined;
  /** For the status page. */
  describe(): object;
}

/** The start continues after this long, and the folder is tidied in the background. */
const OPEN_DEADLINE_MS = 2_000;
/** Between searches for files that are no longer needed; the first save after it searches. */
const TIDY_EVERY_MS = 3_600_000;
/** Of operations that run and wait: for each file one, and these. */
const PENDING_SPARE = 64;
function linesOf(what: string): DiskLines {
  return {
    fails: {
      read: 'data folder fails: what is stored there cannot be read',
      write: `data folder fails: ${what} are kept in memory only, and a restart needs the origin`,
    },
    worksAgain: {
      read: 'data folder works again: what is stored there can be read',
      write: `data folder works again: ${what} are kept there`,
    },
  };
}
const CLOSED = { kind: 'failed', reason: 'closed' } as const;

/** Never rejects, and lasts 2 s at most: where the folder cannot be used, each call says so and tries again. */
export function openDiskSnapshots(clock: Clock, log: Logger, options: DiskOptions): Promise<DiskSnapshots> {
  return openDiskSnapshotsOn(systemFiles, clock, log, options);
}

export async function openDiskSnapshotsOn(
  files: FileSystem,
  clock: Clock,
  log: Logger,
  options: DiskOptions,
): Promise<DiskSnapshots> {
  const snapshots = new QueuedSnapshots(files, clock, log, options);
  await atMost(clock, OPEN_DEADLINE_MS, snapshots.tidyUp());
  return snapshots;
}

class QueuedSnapshots implements DiskSnapshots {
  readonly #clock: Clock;
  readonly #options: DiskOptions;
  readonly #health: DiskHealth;
  readonly #store: SnapshotStore;
  readonly #access: DiskAccess;
  readonly #recent: RecentConfirmations;
  #tidyAtMs = 0;
  #isTidying = false;

  constructor(files: FileSystem, clock: Clock, log: Logger, options: DiskOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#health = new DiskHealth(clock, log, options.folder, linesOf(options.what));
    const folder = new DataFolder(files, options.folder, options.user);
    this.#store = new SnapshotStore(files, folder, clock, { log, health: this.#health }, options);
    const pendingMax = options.filesMax + PENDING_SPARE;
    this.#access = new DiskAccess(clock, this.#health, { queue: options.queue, pendingMax });
    this.#recent = new RecentConfirmations(clock, options.filesMax);
  }

  async load(key: PayloadKey): Promise<Loading> {
    const name = snapshotName(key);
    return this.#run(name, 'read', async () => {
      const loading = await this.#store.load(key);
      if (loading.kind !== 'found') this.#recent.forget(name);
      // What was set aside is counted by the next save.
      if (loading.kind === 'unusable') this.#tidyAtMs = 0;
      return loading;
    });
  }

  async save(key: PayloadKey, payload: Payload, confirmedAgoMs = 0): Promise<Storing> {
    const name = snapshotName(key);
    const agoMs = Math.max(0, confirmedAgoMs);
    // Taken now: an operation may wait for its turn.
    const confirmedAtMs = Math.max(0, this.#clock.nowMs() - agoMs);
    const confirmedMs = this.#clock.monotonicMs() - agoMs;
    const outcome = await this.#run(name, 'write', async () => {
      this.#recent.forget(name);
      const storing = await this.#store.save(key, payload, confirmedAtMs);
      if (storing.kind === 'stored') this.#recent.learn(name, payload.version, confirmedMs);
      return storing;
    });
    const { filesMax, bytesMax = Infinity } = this.#options;
    const isCrowded = this.#store.count > filesMax || this.#store.bytes > bytesMax;
    if (isCrowded || this.#clock.monotonicMs() >= this.#tidyAtMs) await this.tidyUp();
    return outcome;
  }

  async confirm(key: PayloadKey, version: number): Promise<Confirming> {
    const name = snapshotName(key);
    if (!this.#access.isClosed && this.#recent.has(name, version)) return { kind: 'stored' };
    const [confirmedAtMs, confirmedMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    return this.#run<Confirming>(name, 'write', async () => {
      const comparison = await this.#store.compare(key, version, confirmedAtMs);
      if (comparison.kind === 'stored') this.#recent.learn(name, version, confirmedMs);
      return isSettled(comparison) ? comparison : { kind: 'behind' };
    });
  }

  async remove(key: PayloadKey): Promise<Removing> {
    const name = snapshotName(key);
    return this.#run(name, 'write', () => {
      this.#recent.forget(name);
      return this.#store.remove(key);
    });
  }

  /** What has begun is finished, or left after a second: the process has little time. */
  async close(): Promise<void> {
    await this.#access.close();
  }

  get failing(): DiskFailing | undefined {
    return this.#health.failing;
  }

  describe(): object {
    const { folder, filesMax, bytesMax } = this.#options;
    return {
      folder,
      files: { entries: this.#store.count, entriesMax: filesMax },
      ...(bytesMax !== undefined && { bytes: this.#store.bytes, bytesMax }),
      pending: this.#access.pending,
      ...this.#health.describe(),
    };
  }

  /** Removes leftovers, and snapshots beyond the limit. */
  async tidyUp(): Promise<void> {
    if (this.#isTidying) return;
    this.#isTidying = true;
    this.#tidyAtMs = this.#clock.monotonicMs() + TIDY_EVERY_MS;
    const survey = await this.#run(WHOLE_FOLDER, 'write', async () => {
      return { kind: 'surveyed', victims: await this.#store.survey(this.#options) } as const;
    });
    if (survey.kind === 'surveyed') {
      for (const victim of survey.victims) await this.#giveUp(victim);
    }
    this.#isTidying = false;
  }

  async #giveUp(victim: Victim): Promise<void> {
    await this.#run(victim.name, 'write', async () => {
      if (await this.#store.giveUp(victim)) this.#recent.forget(victim.name);
    });
  }

  /** One operation at a time for each file. Never rejects. */
  async #run<Outcome>(
    name: string,
    access: Access,
    task: () => Promise<Outcome>,
  ): Promise<Outcome | Failing> {
    try {
      return await this.#access.run(access, name, task);
    } catch (error) {
      return error instanceof FolderClosed ? CLOSED : { kind: 'failed', reason: failureReason(error) };
    }
  }
}
