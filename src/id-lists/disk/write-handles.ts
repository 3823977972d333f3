// The files that copies are being written to, held open for a while: a file comes in thousands of pieces.
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FileSystem } from '../../sources/disk/file-system.js';

/** More than are fetched of one host at one time; with files of many hosts, some are opened anew for a piece. */
const HANDLES_MAX = 16;
/** What was removed is not made anew, and no link is followed. */
const FLAGS = constants.O_WRONLY | constants.O_NOFOLLOW;

/** What can be written to: the object itself tells it from another of the same name. */
export interface Written {
  readonly path: string;
  readonly length: number;
}

/** To be used within writes only, of which there is one at a time: nobody writes to what is closed here. */
export class WriteHandles {
  readonly #files: FileSystem;
  readonly #failed: (error: unknown) => void;
  readonly #open = new Map<Written, FileHandle>();

  /** `failed` is told of files that could not be closed well: none of what is done here comes to nothing for that. */
  constructor(files: FileSystem, failed: (error: unknown) => void) {
    this.#files = files;
    this.#failed = failed;
  }

  /** Throws where the file is no longer as long as it was: a gap would be filled with zeros. */
  async of(written: Written): Promise<FileHandle> {
    const known = this.#open.get(written);
    if (known !== undefined) {
      await this.put(written, known);
      return known;
    }
    const handle = await this.#files.open(written.path, FLAGS);
    try {
      const { size } = await handle.stat();
      if (size < written.length) throw new Error('the copy is shorter than it was');
    } catch (error) {
      await handle.close();
      throw error;
    }
    await this.put(written, handle);
    return handle;
  }

  /** The one used longest ago makes room. */
  async put(written: Written, handle: FileHandle): Promise<void> {
    this.#open.delete(written);
    this.#open.set(written, handle);
    const [oldest] = this.#open.keys();
    if (this.#open.size > HANDLES_MAX && oldest !== undefined) await this.close(oldest);
  }

  /** Never rejects. */
  async close(written: Written): Promise<void> {
    const handle = this.#open.get(written);
    this.#open.delete(written);
    try {
      await handle?.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  async closeAll(): Promise<void> {
    for (const written of this.#open.keys()) await this.close(written);
  }
}
