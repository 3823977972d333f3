// Copies in a folder that outlives the process: what is right of them is taken over, and what goes wrong with them is logged.
import { atMost } from '../../../../domain/deadline.js';
import type { Clock } from '../../../../domain/clock.js';
import { inBackground } from '../../../../observability/in-background.js';
import type { Logger } from '../../../../observability/logger.js';
import { DiskAccess } from '../../../../files/disk-access.js';
import { DiskHealth, WHOLE_FOLDER, type DiskFailing, type DiskLines } from '../../../../files/disk-health.js';
import type { DiskQueue } from '../../../../files/disk-queue.js';
import type { FileSystem } from '../../../../files/file-system.js';
import { claimFolder, type FolderLock } from '../../../../files/folder-lock.js';
import { OwnFolder, type FolderUser } from '../../../../files/own-folder.js';
import type { CopyBytes, CopyPlace } from '../copy-place.js';
import { copyFile, isCopyName } from './copy-file.js';
import { CopyRecovery, type Losses } from './copy-recovery.js';
import { DiskCopy, type CopyWorld } from './disk-copy.js';

export interface DiskPlaceOptions {
  /** Shared by everything that is on the same disk. */
  readonly queue: DiskQueue;
  /** Made when it is needed, and refused where other users may write into it. One process uses it at a time. */
  readonly folder: string;
  /** The user that must own the folder; undefined where the system has no users. */
  readonly user: FolderUser | undefined;
}

/** The start continues after this long: what was not read by then is removed, and fetched from the origin again. */
const OPEN_DEADLINE_MS = 5_000;
/** Readers, mostly, each of which waits for one piece. */
const PENDING_MAX = 10_000;
const LINES: DiskLines = {
  fails: {
    read: 'folder of ID lists fails: copies that are stored there cannot be read',
    write: 'folder of ID lists fails: no copy can be made or grow there',
  },
  worksAgain: {
    read: 'folder of ID lists works again: copies that are stored there can be read',
    write: 'folder of ID lists works again: copies are made and grow there',
  },
};

export class DiskPlace implements CopyPlace {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #health: DiskHealth;
  readonly #world: CopyWorld;
  readonly #copies = new Map<string, DiskCopy>();
  #lock: FolderLock | undefined;
  #isTakenOver = false;
  #preparing: Promise<void> | undefined;
  /** Nothing more is taken over. */
  #isOpen = false;

  constructor(files: FileSystem, clock: Clock, log: Logger, { queue, folder, user }: DiskPlaceOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#health = new DiskHealth(clock, log, folder, LINES);
    const access = new DiskAccess(clock, this.#health, { queue, pendingMax: PENDING_MAX });
    const run: DiskAccess['run'] = async (kind, file, operation, line) => {
      const value = await access.run(kind, file, operation, line);
      this.#health.worked(kind, file);
      return value;
    };
    this.#world = {
      files,
      access,
      run,
      folder: new OwnFolder(files, folder, user),
      gone: (copy) => {
        if (this.#copies.get(copy.name) === copy) this.#copies.delete(copy.name);
      },
    };
  }

  async open(): Promise<ReadonlyMap<string, CopyBytes>> {
    // Reported already where it fails; the next copy that is made tries again.
    const prepared = this.#prepare().catch(() => undefined);
    await atMost(this.#clock, OPEN_DEADLINE_MS, prepared);
    this.#isOpen = true;
    return new Map(this.#copies);
  }

  async create(name: string): Promise<CopyBytes> {
    if (!isCopyName(name)) throw new Error('not a name for a copy');
    await this.#prepare();
    this.#copies.get(name)?.giveWay();
    const copy = new DiskCopy(this.#world, name);
    // Before it is made: from now on its file is not for others to remove.
    this.#copies.set(name, copy);
    try {
      await copy.make();
      return copy;
    } catch (error) {
      copy.giveWay();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isOpen = true;
    await this.#world.access.close();
    await this.#lock?.release();
    this.#lock = undefined;
  }

  /** Undefined where reads and writes work. */
  get failing(): DiskFailing | undefined {
    return this.#health.failing;
  }

  /** For the status page. */
  describe(): object {
    const { access, folder } = this.#world;
    return { folder: folder.path, pending: access.pending, ...this.#health.describe() };
  }

  /** Once, and again after a failure: makes sure that the folder exists, belongs to this process, and holds only known files. */
  #prepare(): Promise<void> {
    if (this.#isTakenOver) return Promise.resolve();
    this.#preparing ??= this.#takeOver().finally(() => (this.#preparing = undefined));
    return this.#preparing;
  }

  async #takeOver(): Promise<void> {
    const { folder, run } = this.#world;
    await run('write', WHOLE_FOLDER, async () => {
      this.#lock ??= await claimFolder(folder, (error) => {
        this.#log.warn(
          { folder: folder.path, err: error },
          'the folder of ID lists cannot be locked: make sure that no other process uses it',
        );
      });
    });
    const recovery = new CopyRecovery(this.#world, () => this.#isOpen);
    const others = await recovery.run((name, state) => {
      this.#copies.set(name, new DiskCopy(this.#world, name, state));
    });
    this.#isTakenOver = true;
    this.#report(recovery.losses);
    for (const name of others) inBackground(this.#removeUnknown(name), this.#log);
  }

  #report(losses: Losses): void {
    if (losses.damaged + losses.surplus + losses.unread === 0) return;
    const { path } = this.#world.folder;
    this.#log.warn(
      { folder: path, ...losses },
      'copies of ID lists removed: they come from the origin again',
    );
  }

  /** A copy that is made under this name meanwhile waits for this, or has its file already. */
  async #removeUnknown(name: string): Promise<void> {
    const { folder, run } = this.#world;
    try {
      await run('write', name, async () => {
        if (!this.#copies.has(name)) await folder.remove(copyFile(name));
      });
    } catch {
      // Reported already; it is found again after a restart.
    }
  }
}
