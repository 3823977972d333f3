// The port to where batches end that the origin will never take; and the place without a disk, where they are only counted.
import type { Batch, KeptBatch } from './batch.js';
import type { Death } from './forwarder.js';

export interface DeadLetters {
  /** Files the batch with why it died; `batch` is undefined where it cannot be read. Never rejects. */
  add(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void>;
  close(): Promise<void>;
}

export const noDeadLetters: DeadLetters = { add: async () => undefined, close: async () => undefined };
