// The folder of log events: made, locked, with the key to its files in it, and restored where it was removed.
import { systemFiles } from '../../../../files/file-system.js';
import { claimFolder, type FolderLock } from '../../../../files/folder-lock.js';
import { OwnFolder, type FolderUser } from '../../../../files/own-folder.js';
import { Seal } from './seal.js';

export class EventFolder {
  readonly path: string;
  readonly #folder: OwnFolder;
  readonly #notLocked: (error: unknown) => void;
  #seal: Seal | undefined;
  #lock: FolderLock | undefined;

  /** `user`: whom it must belong to. `notLocked` is called where the folder cannot be locked: it is used without a lock. */
  constructor(path: string, user: FolderUser | undefined, notLocked: (error: unknown) => void) {
    this.path = path;
    this.#folder = new OwnFolder(systemFiles, path, user);
    this.#notLocked = notLocked;
  }

  /** Of the files in it; to be asked for once it is open. */
  get seal(): Seal {
    if (this.#seal === undefined) throw new Error('the folder of log events is not open');
    return this.#seal;
  }

  /** Rejects where it cannot be had; then `close` lets go of what there was of it. */
  async open(): Promise<void> {
    this.#lock = await claimFolder(this.#folder, this.#notLocked);
    this.#seal = await Seal.load(this.path);
  }

  /** Call before a file is made: without the folder it cannot be made, without the key it could not be read. */
  async restore(): Promise<void> {
    if (!(await this.#folder.isThere())) {
      // The lock went with the folder.
      await this.close();
      this.#lock = await claimFolder(this.#folder, this.#notLocked);
    }
    await this.seal.keepKey(this.path);
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
