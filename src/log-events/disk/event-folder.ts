// The folder of log events: made, locked, with the key to its files in it, and put back where somebody took it away.
import { mkdir } from 'node:fs/promises';
import { systemFiles } from '../../sources/disk/file-system.js';
import { lockFolder, type FolderLock } from '../../sources/disk/folder-lock.js';
import { OwnFolder } from '../../sources/disk/own-folder.js';
import { Seal } from './seal.js';

const OWNER_ONLY = 0o700;

export class EventFolder {
  readonly path: string;
  readonly #notLocked: (error: unknown) => void;
  #seal: Seal | undefined;
  #lock: FolderLock | undefined;

  /** `notLocked` is called where the folder cannot be locked: it is used without a lock. */
  constructor(path: string, notLocked: (error: unknown) => void) {
    this.path = path;
    this.#notLocked = notLocked;
  }

  /** Of the files in it; to be asked for once it is open. */
  get seal(): Seal {
    if (this.#seal === undefined) throw new Error('the folder of log events is not open');
    return this.#seal;
  }

  /** Rejects where it cannot be had; then `close` lets go of what there was of it. */
  async open(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: OWNER_ONLY });
    this.#lock = await lockFolder(this.path, this.#notLocked);
    this.#seal = await Seal.load(this.path);
  }

  /** To be called before a file is made: without the folder it could not be, without the key nobody could read it. */
  async restore(): Promise<void> {
    const made = await mkdir(this.path, { recursive: true, mode: OWNER_ONLY });
    if (made !== undefined) {
      // The lock went with the folder.
      await this.close();
      this.#lock = await lockFolder(this.path, this.#notLocked);
    }
    await this.seal.keepKey(this.path);
  }

  /** Names of files outlive a power cut when this resolves; where the file system knows no such thing, at once. */
  async sync(): Promise<void> {
    await new OwnFolder(systemFiles, this.path, undefined).sync();
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }
}
