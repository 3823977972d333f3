// Batches that were given up, in a file of JSON lines: why for people to read, what sealed like everything else here.
import { createCipheriv, randomBytes } from 'node:crypto';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConcurrencyLimit } from '../../domain/concurrency-limit.js';
import { maskSdkKey } from '../../domain/sdk-key.js';
import type { Batch, KeptBatch } from '../batch.js';
import type { DeadLetters, Death } from '../dead-letters.js';
import { loadDataKey } from './data-key.js';

const FILE = 'dead-letters.jsonl';
/** When the file is full it becomes this one, whose content is then gone. */
const FILE_BEFORE = 'dead-letters.before.jsonl';
const OWNER_ONLY = 0o600;
const NONCE_BYTES = 12;
/** Looked through at a time, from the end. */
const SEARCHED_BYTES = 64 * 1024;
/** Of a body, between two turns of the event loop. A multiple of 9: its base64 is whole, and that of its base64 too. */
const PIECE_BYTES = 9 * 64 * 1024;

export interface FiledDeadLettersOptions {
  /** The folder of log events, which is there already. */
  readonly folder: string;
  /** Of both files together, give or take one batch. */
  readonly bytesMax: number;
}

export class FiledDeadLetters implements DeadLetters {
  readonly #failed: (error: unknown) => void;
  readonly #disk: ConcurrencyLimit;
  readonly #options: FiledDeadLettersOptions;
  #last: Promise<void> = Promise.resolve();

  /** `failed` is told of a batch that could not be filed. `disk`: the same as that of the batches. */
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
    const { folder, bytesMax } = this.#options;
    const path = join(folder, FILE);
    const key = batch === undefined ? undefined : await loadDataKey(folder);
    const handle = await open(path, 'a+', OWNER_ONLY);
    try {
      const size = await cutHalfLetter(handle);
      try {
        for await (const piece of letterPieces(kept, batch, death, key)) await handle.appendFile(piece);
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
  key: Uint8Array | undefined,
): AsyncGenerator<string> {
  const told = {
    acceptedAt: new Date(kept.acceptedAtMs).toISOString(),
    batchId: kept.id,
    sdkKey: maskSdkKey(kept.sdkKey),
    ...death,
    bytes: kept.bytes,
    contentEncoding: batch?.headers['content-encoding'] ?? null,
  };
  const start = JSON.stringify(told).slice(0, -1);
  if (batch === undefined || key === undefined) yield `${start},"sealed":null}\n`;
  else {
    yield `${start},"sealed":"`;
    yield* sealInTurns(key, batch);
    yield '"}\n';
  }
}

/**
 * Base64 of nonce, content and tag of AES-256-GCM; the content is JSON of the whole batch, its body in base64. All pieces
 * but the last have a multiple of 3 bytes, so that their base64 can be put together.
 */
async function* sealInTurns(key: Uint8Array, batch: Batch): AsyncGenerator<string> {
  const { body, ...rest } = batch;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const start = Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"body":"`);
  // White space before JSON means nothing.
  const padding = Buffer.alloc((3 - (start.length % 3)) % 3, ' ');
  yield nonce.toString('base64');
  yield cipher.update(Buffer.concat([padding, start])).toString('base64');
  let at = 0;
  for (; at + PIECE_BYTES < bytes.length; at += PIECE_BYTES) {
    yield cipher.update(bytes.toString('base64', at, at + PIECE_BYTES), 'latin1').toString('base64');
    await nextTurn();
  }
  const last = cipher.update(`${bytes.toString('base64', at)}"}`, 'latin1');
  yield Buffer.concat([last, cipher.final(), cipher.getAuthTag()]).toString('base64');
}
