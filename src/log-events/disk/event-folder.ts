// The folder of log events: made, locked, with the key to its files in it, and put back where somebody took it away.
import { systemFiles } from '../../sources/disk/file-system.js';
import { claimFolder, type FolderLock } from '../../sources/disk/folder-lock.js';
import { OwnFolder, type FolderUser } from '../../sources/disk/own-folder.js';
import { keepDataKey, loadDataKey } from './data-key.js';

export class EventFolder {
  readonly path: string;
  readonly #folder: OwnFolder;
  readonly #notLocked: (error: unknown) => void;
  #dataKey: Buffer = Buffer.alloc(0);
  #lock: FolderLock | undefined;

  /** `user`: who it has to belong to. `notLocked` is told where the folder can have no lock: it is used without one. */
  constructor(path: string, user: FolderUser | undefined, notLocked: (error: unknown) => void) {
    this.path = path;
    this.#folder = new OwnFolder(systemFiles, path, user);
    this.#notLocked = notLocked;
  }

  /** What the files in it are sealed with. */
  get dataKey(): Buffer {
    return this.#dataKey;
  }

  /** Rejects where it cannot be had; then `close` lets go of what there was of it. */
  async open(): Promise<void> {
    this.#lock = await claimFolder(this.#folder, this.#notLocked);
    this.#dataKey = await loadDataKey(this.path);
  }

  /** To be called before a file is made: without the folder it could not be, without the key nobody could read it. */
  async restore(): Promise<void> {
    if (!(await this.#folder.isThere())) {
      // The lock went with the folder.
      await this.close();
      this.#lock = await claimFolder(this.#folder, this.#notLocked);
    }
    await keepDataKey(this.path, this.#dataKey);
  }

  /** Names of files outlive a power cut when this resolves; where the file system knows no such thing, at once. */
  async sync(): Promise<void> {
    await this.#folder.sync();
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }
}
