// The folder of log events: made, locked, with the keys to its files at hand, and restored where it was removed.
import type { DataKeys } from '../../../../files/data-keys.js';
import { systemFiles } from '../../../../files/file-system.js';
import { claimFolder, type FolderLock } from '../../../../files/folder-lock.js';
import { OwnFolder, type FolderUser } from '../../../../files/own-folder.js';
import type { Seal } from '../../../../files/seal.js';
import { FolderKey } from './folder-key.js';
import { SEALED_BY_DATA_KEYS, SEALED_BY_FOLDER_KEY, type SegmentHead } from './segment.js';

export class EventFolder {
  readonly path: string;
  readonly #folder: OwnFolder;
  readonly #dataKeys: DataKeys;
  readonly #notLocked: (error: unknown) => void;
  /** Undefined where there is none: data keys seal, and no file is left from before. */
  #folderKey: FolderKey | undefined;
  #lock: FolderLock | undefined;

  /** `user`: whom it must belong to. `notLocked` is called where the folder cannot be locked: it is used without a lock. */
  constructor(
    path: string,
    user: FolderUser | undefined,
    dataKeys: DataKeys,
    notLocked: (error: unknown) => void,
  ) {
    this.path = path;
    this.#folder = new OwnFolder(systemFiles, path, user);
    this.#dataKeys = dataKeys;
    this.#notLocked = notLocked;
  }

  /** To be asked for once the folder is open. */
  get headForNew(): SegmentHead {
    if (this.#dataKeys.sealingId !== undefined) return { mark: SEALED_BY_DATA_KEYS, seal: this.#dataKeys };
    return { mark: SEALED_BY_FOLDER_KEY, seal: this.#ownKey };
  }

  /** Of a file that begins with `mark`; undefined where it is none of ours. */
  sealFor(mark: Buffer): Seal | undefined {
    if (mark.equals(SEALED_BY_DATA_KEYS)) return this.#dataKeys;
    return mark.equals(SEALED_BY_FOLDER_KEY) ? this.#ownKey : undefined;
  }

  get #ownKey(): FolderKey {
    if (this.#folderKey === undefined) throw new Error('the folder of log events is not open, or has no key');
    return this.#folderKey;
  }

  /** Rejects where it cannot be had; then `close` lets go of what there was of it. */
  async open(): Promise<void> {
    this.#lock = await claimFolder(this.#folder, this.#notLocked);
    const isSealedByOthers = this.#dataKeys.sealingId !== undefined;
    this.#folderKey = await (isSealedByOthers ? FolderKey.find(this.path) : FolderKey.load(this.path));
  }

  /** Call before a file is made: without the folder it cannot be made, without the key it could not be read. */
  async restore(): Promise<void> {
    if (!(await this.#folder.isThere())) {
      // The lock went with the folder.
      await this.close();
      this.#lock = await claimFolder(this.#folder, this.#notLocked);
    }
    await this.#folderKey?.keepIn(this.path);
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
