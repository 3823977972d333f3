// A folder that only this process' user or group can write into: made when needed, refused where strangers could write into it.
import { dirname, join } from 'node:path';
import type { Stats } from 'node:fs';
import { errorCode, ifThere, type FileSystem } from './file-system.js';

const FOLDER_MODE = 0o700;
const USABLE_BY_GROUP = 0o070;
const WRITABLE_BY_OTHERS = 0o002;
/** Set on folders that everybody may make files in, such as the system's folder for temporary files. */
const STICKY = 0o1000;
const ROOT_UID = 0;
/** Some file systems sync files but not folders. */
const SYNCS_NO_FOLDERS: readonly string[] = ['EINVAL', 'ENOTSUP', 'EISDIR'];

/** The user that the process runs as. */
export interface FolderUser {
  readonly uid: number;
  readonly gids: readonly number[];
}

/** A folder that is there, and must not be used. The message says why, for people. */
export class FolderRefused extends Error {
  override readonly name = 'FolderRefused';
}

export class OwnFolder {
  readonly path: string;
  protected readonly files: FileSystem;
  readonly #user: FolderUser | undefined;

  /** `user`: the user that must own the folder; undefined where the system has no users. */
  constructor(files: FileSystem, path: string, user: FolderUser | undefined) {
    this.files = files;
    this.path = path;
    this.#user = user;
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder where it is not there yet. Throws where it cannot be made or must not be used. */
  async make(): Promise<void> {
    if (await this.isThere()) return;
    await makeFolder(this.files, this.path);
    // Another process may have made it at the same moment.
    await this.isThere();
  }

  /**
   * Whether the folder is there; throws a FolderRefused where it must not be used. Checked before every operation: below
   * the system's folder for temporary files anybody may have made it first, and put files of theirs into it.
   */
  async isThere(): Promise<boolean> {
    const link = await ifThere(this.files.lstat(this.path));
    if (link === undefined) return false;
    if (!link.isSymbolicLink()) {
      await this.#check(link);
      return true;
    }
    const isOfRoot = link.uid === ROOT_UID;
    if (!isOfRoot && !this.#isOurs(link))
      throw new FolderRefused('the symbolic link to the folder belongs to another user');
    const stats = await ifThere(this.files.stat(this.path));
    if (stats === undefined) throw new FolderRefused('the symbolic link does not lead to a directory');
    await this.#check(stats);
    return true;
  }

  /** Names that came and went are on the disk when this resolves. */
  async sync(): Promise<void> {
    const handle = await this.files.open(this.path, 'r');
    try {
      await handle.sync();
    } catch (error) {
      if (!SYNCS_NO_FOLDERS.includes(errorCode(error))) throw error;
    } finally {
      await handle.close();
    }
  }

  /** False where it was not there. */
  async remove(name: string): Promise<boolean> {
    return (await ifThere(this.files.unlink(this.pathOf(name)).then(() => true))) ?? false;
  }

  async #check(stats: Stats): Promise<void> {
    if (!stats.isDirectory()) throw new FolderRefused('the path exists but is not a directory');
    if (!this.#isOurs(stats) && !(await this.#isOfOurGroup(stats))) {
      throw new FolderRefused('the folder belongs to another user');
    }
    if (this.#user !== undefined && (stats.mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new FolderRefused('other users may write into the folder');
    }
  }

  #isOurs(stats: Stats): boolean {
    return this.#user === undefined || stats.uid === this.#user.uid;
  }

  /**
   * Kubernetes gives everything on a volume to a group (`fsGroup`) at the start of a pod, whoever made it. In a place where
   * everybody may make folders, membership of the same group proves nothing.
   */
  async #isOfOurGroup({ gid, mode }: Stats): Promise<boolean> {
    const isOfGroup = this.#user?.gids.includes(gid) === true;
    if (!isOfGroup || (mode & USABLE_BY_GROUP) !== USABLE_BY_GROUP) return false;
    // Not by `join`, which would look at the place of a link instead of the place of the folder.
    const parent = await this.files.stat(`${this.path}/..`);
    return (parent.mode & STICKY) === 0 || (parent.mode & WRITABLE_BY_OTHERS) === 0;
  }
}

/** With the folders above it. Not by Node's own `recursive`, which tries for ever below `/proc`: each parent is tried once. */
async function makeFolder(files: FileSystem, path: string): Promise<void> {
  try {
    await files.mkdir(path, FOLDER_MODE);
  } catch (error) {
    const parent = dirname(path);
    if (errorCode(error) === 'EEXIST') return;
    if (errorCode(error) !== 'ENOENT' || parent === path) throw error;
    await makeFolder(files, parent);
    await files.mkdir(path, FOLDER_MODE).catch((second: unknown) => {
      if (errorCode(second) !== 'EEXIST') throw second;
    });
  }
}
