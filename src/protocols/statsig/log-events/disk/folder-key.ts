// The key that lies beside the files of log events: it seals them where no data key is given, and opens what it once sealed.
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../../../../files/file-system.js';
import { closeWith, openWith, SEAL_KEY_BYTES, type Seal } from '../../../../files/seal.js';
import { FILE_HEAD_BYTES, SEALED_BY_FOLDER_KEY, SEGMENT_SUFFIX } from './segment.js';

const KEY_FILE = 'key';
const OWNER_ONLY = 0o600;

/**
 * Batches hold SDK keys, some of them in their bodies too, and must be sendable after a restart, so their key lies beside
 * them. This keeps SDK keys out of searches, backups of single files and support bundles; it does not protect them from
 * anyone who can read the whole folder. A data key does.
 */
export class FolderKey implements Seal {
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /** Undefined where there is none, and none is needed. Rejects where it is missing, as files were sealed with it. */
  static async find(folder: string): Promise<FolderKey | undefined> {
    const key = await ifThere(readFile(join(folder, KEY_FILE)));
    if (key === undefined) {
      // It may come back: until then the files must not count as damaged.
      if (!(await isNeeded(folder))) return undefined;
      throw new Error(`${KEY_FILE} in the folder of log events is missing: put it back`);
    }
    if (key.length !== SEAL_KEY_BYTES) {
      throw new Error(
        `${KEY_FILE} in the folder of log events has ${key.length} bytes, not ${SEAL_KEY_BYTES}`,
      );
    }
    return new FolderKey(key);
  }

  /** As `find`, and made where nothing is sealed with one yet. */
  static async load(folder: string): Promise<FolderKey> {
    const key = (await FolderKey.find(folder)) ?? new FolderKey(randomBytes(SEAL_KEY_BYTES));
    await key.keepIn(folder);
    return key;
  }

  /** Writes the key where it is missing: without it, later files could not be read. */
  async keepIn(folder: string): Promise<void> {
    const path = join(folder, KEY_FILE);
    if ((await ifThere(stat(path))) !== undefined) return;
    // Under another name first, so that a crash leaves no half of a key.
    await writeFile(`${path}.new`, this.#key, { mode: OWNER_ONLY, flush: true });
    await rename(`${path}.new`, path);
  }

  close(content: readonly Uint8Array[], purpose = ''): Promise<Buffer[]> {
    return closeWith(this.#key, content, purpose);
  }

  open(sealed: Buffer, purpose = ''): Promise<Buffer> {
    return openWith(this.#key, sealed, purpose);
  }
}

async function isNeeded(folder: string): Promise<boolean> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(SEGMENT_SUFFIX));
  for (const name of names) {
    const handle = await open(join(folder, name), 'r');
    try {
      const { buffer } = await handle.read(Buffer.alloc(FILE_HEAD_BYTES), 0, FILE_HEAD_BYTES, 0);
      if (buffer.equals(SEALED_BY_FOLDER_KEY)) return true;
    } finally {
      await handle.close();
    }
  }
  return false;
}
