// Copies in a folder that outlives the process: what is right of them is taken over, what goes wrong with them is told.
import { atMost } from '../../domain/deadline.js';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { WHOLE_FOLDER } from '../../sources/disk/disk-health.js';
import type { FileSystem } from '../../sources/disk/file-system.js';
import { claimFolder, type FolderLock } from '../../sources/disk/folder-lock.js';
import { OwnFolder, type FolderUser } from '../../sources/disk/own-folder.js';
import type { CopyBytes, CopyPlace } from '../copy-place.js';
import { startHash } from './checkpoint.js';
import { copyFile, isCopyName, temporaryFile } from './copy-names.js';
import { CopyRecovery, listCopies, type Losses } from './copy-recovery.js';
import { DiskAccess } from './disk-access.js';
import { DiskCopy, FILE_MODE, TEMPORARY_FLAGS, type CopyState, type CopyWorld } from './disk-copy.js';
import { Leftovers } from './leftovers.js';
import { WriteHandles } from './write-handles.js';

export interface DiskPlaceOptions {
  /** Made when it is needed, and refused where other users may write into it. One process uses it at a time. */
  readonly folder: string;
  /** Who the folder has to belong to; undefined where the system knows no users. */
  readonly user: FolderUser | undefined;
}

/** A start goes on after so long: what was not read until then is removed, and comes from the origin again. */
const OPEN_DEADLINE_MS = 5_000;
const CLOSE_DEADLINE_MS = 1_000;

export class DiskPlace implements CopyPlace {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #world: CopyWorld;
  readonly #copies = new Map<string, DiskCopy>();
  /** Names that copies are being made under. */
  readonly #creating = new Set<string>();
  readonly #leftovers: Leftovers;
  #lock: FolderLock | undefined;
  #preparing: Promise<void> | undefined;
  /** What is in the folder was looked at. */
  #isSurveyed = false;
  /** Nothing more is taken over. */
  #isOpen = false;

  constructor(files: FileSystem, clock: Clock, log: Logger, { folder, user }: DiskPlaceOptions) {
    this.#clock = clock;
    this.#log = log;
    const access = new DiskAccess(clock, log, folder);
    this.#world = {
      clock,
      files,
      access,
      folder: new OwnFolder(files, folder, user),
      handles: new WriteHandles(files, (error) => {
        access.failed('write', WHOLE_FOLDER, error);
      }),
      removed: (copy, isLeft) => {
        if (this.#copies.get(copy.name) === copy) this.#copies.delete(copy.name);
        if (isLeft) this.#leftovers.add([copy.name]);
      },
    };
    this.#leftovers = new Leftovers(this.#world, (name) => this.#isOurs(name));
  }

  async open(): Promise<ReadonlyMap<string, CopyBytes>> {
    await atMost(this.#clock, OPEN_DEADLINE_MS, this.#takeOver());
    this.#isOpen = true;
    return new Map(this.#copies);
  }

  async create(name: string): Promise<CopyBytes> {
    if (!isCopyName(name)) throw new Error('no name for a copy');
    this.#creating.add(name);
    try {
      await this.#prepare();
      if (!this.#isSurveyed) await this.#survey();
      return await this.#create(name);
    } finally {
      this.#creating.delete(name);
      // What could not be removed may be now.
      void this.#leftovers.clear();
    }
  }

  used(name: string): void {
    this.#copies.get(name)?.used();
  }

  async close(): Promise<void> {
    this.#isOpen = true;
    const { access, handles } = this.#world;
    const last = [...this.#copies.values()]
      .filter(({ hasCheckpoint }) => !hasCheckpoint)
      .map((copy) => copy.writeCheckpoint());
    await access.close();
    await Promise.all(last);
    await atMost(this.#clock, CLOSE_DEADLINE_MS, handles.closeAll());
    await this.#lock?.release();
    this.#lock = undefined;
  }

  /** For the status page. */
  describe(): object {
    const { access, folder } = this.#world;
    return { folder: folder.path, ...access.describe() };
  }

  #isOurs(name: string): boolean {
    return this.#copies.has(name) || this.#creating.has(name);
  }

  /** Never rejects. */
  async #takeOver(): Promise<void> {
    const recovery = new CopyRecovery(this.#world, () => this.#isOpen);
    try {
      await this.#prepare();
      this.#isSurveyed = true;
      this.#leftovers.add(
        await recovery.run((name, state) => {
          this.#take(name, state);
        }),
      );
    } catch {
      // Told by whoever failed; the next copy that is made tries again, and finds out what there is to remove.
      this.#isSurveyed = false;
    }
    this.#tell(recovery.losses);
    void this.#leftovers.clear();
  }

  #take(name: string, state: CopyState): void {
    if (!this.#isOurs(name)) this.#copies.set(name, new DiskCopy(this.#world, name, state));
  }

  /** `open` could not: nothing of what is there was taken over, and so it is to go. */
  async #survey(): Promise<void> {
    const found = await listCopies(this.#world);
    this.#isSurveyed = true;
    this.#leftovers.add(found.keys());
  }

  #tell(losses: Losses): void {
    if (losses.damaged + losses.surplus + losses.unread === 0) return;
    const { path } = this.#world.folder;
    this.#log.warn(
      { folder: path, ...losses },
      'copies of ID lists removed: they come from the origin again',
    );
  }

  /** The folder is there, and it is this process' own. */
  #prepare(): Promise<void> {
    if (this.#lock !== undefined) return Promise.resolve();
    const { access, folder } = this.#world;
    this.#preparing ??= access
      .run({ access: 'write', name: WHOLE_FOLDER }, async () => {
        this.#lock ??= await claimFolder(folder, (error) => {
          this.#log.warn(
            { folder: folder.path, err: error },
            'the folder of ID lists cannot be locked: see to it that no other process uses it',
          );
        });
      })
      .finally(() => {
        this.#preparing = undefined;
      });
    return this.#preparing;
  }

  async #create(name: string): Promise<CopyBytes> {
    const { access } = this.#world;
    await this.#copies.get(name)?.removal;
    const before = this.#copies.get(name);
    await before?.giveWay();
    try {
      const copy = await access.run(
        { access: 'write', name },
        () => this.#make(name, before),
        (late) => this.#unmake(late),
      );
      this.#copies.set(name, copy);
      return copy;
    } catch (error) {
      before?.comeBack();
      throw error;
    }
  }

  /** A checkpoint of the copy before may stay for a while: its hash tells that it is not of this one. */
  async #make(name: string, before: DiskCopy | undefined): Promise<DiskCopy> {
    const { files, folder, handles } = this.#world;
    await folder.make();
    const path = folder.pathOf(copyFile(name));
    const handle = await files.open(temporaryFile(path), TEMPORARY_FLAGS, FILE_MODE);
    try {
      await files.rename(temporaryFile(path), path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    const copy = new DiskCopy(this.#world, name, {
      length: 0,
      hash: startHash(name),
      checkpointUsedAtMs: undefined,
    });
    if (before !== undefined) await handles.close(before);
    await handles.put(copy, handle);
    return copy;
  }

  async #unmake(copy: DiskCopy): Promise<void> {
    await this.#world.handles.close(copy);
    await this.#world.folder.remove(copyFile(copy.name));
  }
}
