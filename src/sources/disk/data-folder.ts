// The folder that holds the files: made when needed, refused where others could write into it, and kept within bounds.
import { join } from 'node:path';
import type { Stats } from 'node:fs';
import { kindOfFile, setAsideName, type FileKind } from './file-names.js';
import { errorCode, ifThere, type FileSystem } from './file-system.js';

const FOLDER_MODE = 0o700;
/** The group may: Kubernetes gives every volume to a group (`fsGroup`) at the start of a pod, and lets it write. */
const WRITABLE_BY_OTHERS = 0o002;
const ROOT_UID = 0;
/**
 * A file that is being written changes all the time; one that was not touched for so long has lost its writer. Its last
 * change may be set to a confirmation of long ago before it gets its name: its last access is now then.
 */
const TEMPORARY_AGE_MAX_MS = 600_000;
/** More than are ever written at one time, by however many processes: the oldest of more have lost their writer. */
const TEMPORARY_FILES_MAX = 32;
const SET_ASIDE_FILES_MAX = 32;
/** Of the files that may be, one in so many is given up with those that are too many. */
const SPARE_PART = 16;
/** Some file systems sync files, and know nothing of syncing a folder. */
const SYNCS_NO_FOLDERS: readonly string[] = ['EINVAL', 'ENOTSUP', 'EISDIR'];

/** A folder that is there, and must not be used. The message says why, for people. */
export class FolderRefused extends Error {
  override readonly name = 'FolderRefused';
}

export interface Victim {
  readonly name: string;
  /** Of the last confirmation: where it is another one by now, the file is to stay. */
  readonly mtimeMs: number;
}

export interface Survey {
  readonly snapshots: number;
  /** The longest unconfirmed of more snapshots than there may be. */
  readonly victims: readonly Victim[];
}

export class DataFolder {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #uid: number | undefined;

  /** `uid`: whose the folder has to be; undefined where the system knows no such thing. */
  constructor(files: FileSystem, path: string, uid: number | undefined) {
    this.#files = files;
    this.path = path;
    this.#uid = uid;
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder where it is not there yet. Throws where it cannot be made or must not be used. */
  async make(): Promise<void> {
    if (await this.isThere()) return;
    try {
      await this.#files.mkdir(this.path, FOLDER_MODE);
    } catch (error) {
      // Node makes the folders above only together with this one, and says ENOENT then of a disk that is read-only.
      if (errorCode(error) === 'ENOENT') {
        await this.#files.mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
      } else if (errorCode(error) !== 'EEXIST') throw error;
    }
    // Somebody else may have made it in the same moment.
    await this.isThere();
  }

  /**
   * Whether the folder is there; throws a FolderRefused where it must not be used. Looked at before every operation:
   * below the system's folder for temporary files anybody may have made it first, and filled it with specs of theirs.
   */
  async isThere(): Promise<boolean> {
    const link = await ifThere(this.#files.lstat(this.path));
    if (link === undefined) return false;
    if (!link.isSymbolicLink()) {
      this.#check(link);
      return true;
    }
    const isOfRoot = link.uid === ROOT_UID;
    if (!isOfRoot && !this.#isOurs(link))
      throw new FolderRefused('a link of another user leads to the folder');
    const stats = await ifThere(this.#files.stat(this.path));
    if (stats === undefined) throw new FolderRefused('the link leads to no folder');
    this.#check(stats);
    return true;
  }

  #check(stats: Stats): void {
    if (!stats.isDirectory()) throw new FolderRefused('there is something else in the place of the folder');
    if (!this.#isOurs(stats)) throw new FolderRefused('the folder belongs to another user');
    if (this.#uid !== undefined && (stats.mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new FolderRefused('other users may write into the folder');
    }
  }

  #isOurs(stats: Stats): boolean {
    return this.#uid === undefined || stats.uid === this.#uid;
  }

  /** Names that came and went are on the disk when this resolves. */
  async sync(): Promise<void> {
    const handle = await this.#files.open(this.path, 'r');
    try {
      await handle.sync();
    } catch (error) {
      if (!SYNCS_NO_FOLDERS.includes(errorCode(error))) throw error;
    } finally {
      await handle.close();
    }
  }

  /** Puts the file out of the way, in the place of the one put there before it; not where another took its place. */
  async setAside(name: string, inode: number | undefined): Promise<boolean> {
    const stats = await ifThere(this.#files.lstat(this.pathOf(name)));
    if (stats === undefined || (inode !== undefined && stats.ino !== inode)) return false;
    await this.#files.rename(this.pathOf(name), this.pathOf(setAsideName(name)));
    return true;
  }

  async removeSetAside(name: string): Promise<void> {
    const stats = await ifThere(this.#files.lstat(this.pathOf(setAsideName(name))));
    if (stats !== undefined && !stats.isDirectory()) await this.remove(setAsideName(name));
  }

  /** False where it was not there. */
  async remove(name: string): Promise<boolean> {
    return (await ifThere(this.#files.unlink(this.pathOf(name)).then(() => true))) ?? false;
  }

  /** Removes what nobody needs any more, and tells which snapshots are too many. Files of others are left alone. */
  async survey(nowMs: number, snapshotsMax: number): Promise<Survey> {
    const names = await this.#files.readdir(this.path);
    const of = (kind: FileKind): string[] => names.filter((name) => kindOfFile(name) === kind);
    const temporary = await this.#newestFirst(of('temporary'), touchedAtMs);
    const isLost = (stats: Stats): boolean => Math.abs(nowMs - touchedAtMs(stats)) > TEMPORARY_AGE_MAX_MS;
    const lost = temporary.filter(({ stats }, index) => index >= TEMPORARY_FILES_MAX || isLost(stats));
    const setAside = await this.#beyond(of('set-aside'), SET_ASIDE_FILES_MAX, ({ ctimeMs }) => ctimeMs);
    for (const { name, stats } of [...lost, ...setAside]) if (!stats.isDirectory()) await this.remove(name);
    const snapshots = of('snapshot');
    const victims = await this.#beyond(snapshots, snapshotsMax, ({ mtimeMs }) => mtimeMs);
    return {
      snapshots: snapshots.length,
      victims: victims.map(({ name, stats }) => ({ name, mtimeMs: stats.mtimeMs })),
    };
  }

  /** Looks at single files only where there are too many; then a few more go, so that it is not done for each. */
  async #beyond(names: readonly string[], filesMax: number, timeOf: TimeOf): Promise<readonly KnownFile[]> {
    if (names.length <= filesMax) return [];
    return (await this.#newestFirst(names, timeOf)).slice(filesMax - Math.floor(filesMax / SPARE_PART));
  }

  async #newestFirst(names: readonly string[], timeOf: TimeOf): Promise<readonly KnownFile[]> {
    const found: KnownFile[] = [];
    for (const name of names) {
      const stats = await ifThere(this.#files.lstat(this.pathOf(name)));
      if (stats !== undefined) found.push({ name, stats });
    }
    return found.sort((a, b) => timeOf(b.stats) - timeOf(a.stats));
  }
}

/** In milliseconds since 1970. */
type TimeOf = (stats: Stats) => number;

function touchedAtMs({ mtimeMs, atimeMs }: Stats): number {
  return Math.max(mtimeMs, atimeMs);
}

interface KnownFile {
  readonly name: string;
  readonly stats: Stats;
}
