// A folder that is this process' own: made when needed, and refused where others could write into it.
import { join } from 'node:path';
import type { Stats } from 'node:fs';
import { errorCode, ifThere, type FileSystem } from './file-system.js';

const FOLDER_MODE = 0o700;
/** The group may: Kubernetes gives every volume to a group (`fsGroup`) at the start of a pod, and lets it write. */
const WRITABLE_BY_OTHERS = 0o002;
const ROOT_UID = 0;
/** Some file systems sync files, and know nothing of syncing a folder. */
const SYNCS_NO_FOLDERS: readonly string[] = ['EINVAL', 'ENOTSUP', 'EISDIR'];

/** A folder that is there, and must not be used. The message says why, for people. */
export class FolderRefused extends Error {
  override readonly name = 'FolderRefused';
}

export class OwnFolder {
  readonly path: string;
  protected readonly files: FileSystem;
  readonly #uid: number | undefined;

  /** `uid`: whose the folder has to be; undefined where the system knows no such thing. */
  constructor(files: FileSystem, path: string, uid: number | undefined) {
    this.files = files;
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
      await this.files.mkdir(this.path, FOLDER_MODE);
    } catch (error) {
      // Node makes the folders above only together with this one, and says ENOENT then of a disk that is read-only.
      if (errorCode(error) === 'ENOENT') {
        await this.files.mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
      } else if (errorCode(error) !== 'EEXIST') throw error;
    }
    // Somebody else may have made it in the same moment.
    await this.isThere();
  }

  /**
   * Whether the folder is there; throws a FolderRefused where it must not be used. Looked at before every operation:
   * below the system's folder for temporary files anybody may have made it first, and filled it with files of theirs.
   */
  async isThere(): Promise<boolean> {
    const link = await ifThere(this.files.lstat(this.path));
    if (link === undefined) return false;
    if (!link.isSymbolicLink()) {
      this.#check(link);
      return true;
    }
    const isOfRoot = link.uid === ROOT_UID;
    if (!isOfRoot && !this.#isOurs(link))
      throw new FolderRefused('a link of another user leads to the folder');
    const stats = await ifThere(this.files.stat(this.path));
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
}
