// Batches that wait to be written, and how many of them go in one write and one sync.
import { bytesOf, type KeptBatch } from '../batch.js';
import type { StoredBatch } from './record.js';

/** In one write; what comes beyond waits for the next. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** Writing so many small ones takes some ten milliseconds: early senders need not wait for much later ones. */
const GROUP_BATCHES_MAX = 256;

export interface Waiting {
  readonly stored: StoredBatch;
  readonly resolve: (kept: KeptBatch) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes the first out of those that wait. */
export function takeGroup(waiting: Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { stored } of waiting) {
    bytes += bytesOf(stored);
    if (count === GROUP_BATCHES_MAX || (count > 0 && bytes > GROUP_BYTES_MAX)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}
