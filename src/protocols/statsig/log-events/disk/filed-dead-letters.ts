// Batches that were given up, in a file of JSON lines: the reason in plain text, the batch sealed as in the other files.
import { open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConcurrencyLimit } from '../../../../domain/concurrency-limit.js';
import type { DataKeys } from '../../../../files/data-keys.js';
import type { Batch, KeptBatch } from '../batch.js';
import { letterFacts, type DeadLetters, type Death } from '../dead-letters.js';
import { FolderKey } from './folder-key.js';
import { encodeBatch } from './record.js';

const FILE = 'dead-letters.jsonl';
/** When the file is full it becomes this one, whose content is then gone. */
const FILE_BEFORE = 'dead-letters.before.jsonl';
/** Oldest letters first. */
export const DEAD_LETTER_FILES: readonly string[] = [FILE_BEFORE, FILE];
const OWNER_ONLY = 0o600;
/** Looked through at a time, from the end. */
const SEARCHED_BYTES = 64 * 1024;
/** Between two turns of the event loop. A multiple of 3, so that the base64 of the pieces can be put together. */
const PIECE_BYTES = 3 * 256 * 1024;

export interface FiledDeadLettersOptions {
  /** The folder of log events, which is there already. */
  readonly folder: string;
  /** Of both files together, give or take one batch. */
  readonly bytesMax: number;
  /** With a key among them, it seals; else the key in the folder does. */
  readonly dataKeys: DataKeys;
}

export class FiledDeadLetters implements DeadLetters {
  readonly #failed: (error: unknown) => void;
  readonly #disk: ConcurrencyLimit;
  readonly #options: FiledDeadLettersOptions;
  #last: Promise<void> = Promise.resolve();

  /** `failed` is called for a batch that could not be filed. `disk`: the same as that of the batches. */
  constructor(failed: (error: unknown) => void, disk: ConcurrencyLimit, options: FiledDeadLettersOptions) {
    this.#failed = failed;
    this.#disk = disk;
    this.#options = options;
  }

  add(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void> {
    this.#last = this.#disk(() => this.#file(kept, batch, death)).catch(this.#failed);
    return this.#last;
  }

  close(): Promise<void> {
    return this.#last;
  }

  async #file(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void> {
    const { folder, bytesMax, dataKeys } = this.#options;
    const path = join(folder, FILE);
    const handle = await open(path, 'a+', OWNER_ONLY);
    try {
      const size = await cutHalfLetter(handle);
      try {
        for await (const piece of letterPieces(kept, batch, death, { folder, dataKeys }))
          await handle.appendFile(piece);
        await handle.datasync();
      } catch (error) {
        // Half a letter would spoil the next one too.
        await handle.truncate(size);
        throw error;
      }
      if ((await handle.stat()).size > bytesMax / 2) await rename(path, join(folder, FILE_BEFORE));
    } finally {
      await handle.close();
    }
  }
}

/** What a process that was killed left of its last letter would spoil the next one too. Returns the file's size. */
async function cutHalfLetter(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const piece = Buffer.alloc(SEARCHED_BYTES);
  let wholeBytes = 0;
  for (let to = size; to > 0 && wholeBytes === 0; to -= SEARCHED_BYTES) {
    const from = Math.max(0, to - SEARCHED_BYTES);
    await handle.read(piece, 0, to - from, from);
    wholeBytes = from + piece.subarray(0, to - from).lastIndexOf('\n') + 1;
    if (wholeBytes === from) wholeBytes = 0;
  }
  if (wholeBytes < size) await handle.truncate(wholeBytes);
  return wholeBytes;
}

/** One line. In pieces, as one of 20 MiB at once would stall the event loop for half a second. */
async function* letterPieces(
  kept: KeptBatch,
  batch: Batch | undefined,
  death: Death,
  { folder, dataKeys }: Pick<FiledDeadLettersOptions, 'folder' | 'dataKeys'>,
): AsyncGenerator<string> {
  const facts = {
    ...letterFacts(kept, batch, death),
    ...(dataKeys.sealingId !== undefined && { dataKey: dataKeys.sealingId }),
  };
  const start = JSON.stringify(facts).slice(0, -1);
  if (batch === undefined) {
    yield `${start},"sealed":null}\n`;
    return;
  }
  const seal = dataKeys.sealingId === undefined ? await FolderKey.load(folder) : dataKeys;
  const sealed = Buffer.concat(await seal.close(encodeBatch(batch)));
  yield `${start},"sealed":"`;
  for (let at = 0; at < sealed.length; at += PIECE_BYTES) {
    yield sealed.toString('base64', at, at + PIECE_BYTES);
    await nextTurn();
  }
  yield '"}\n';
}
