// The port to where batches end that the origin will never take; and the place without a disk, where they are only counted.
import type { Batch, KeptBatch } from './batch.js';

/** Why nobody will ever take a batch. */
export interface Death {
  readonly reason: 'rejected' | 'refused' | 'unreadable';
  /** What the origin answered, where it did. */
  readonly status?: number;
  readonly detail: string;
}

export interface DeadLetters {
  /** Files the batch with why it died; `batch` is undefined where it cannot be read. Never rejects. */
  add(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void>;
  close(): Promise<void>;
}

export const noDeadLetters: DeadLetters = { add: async () => undefined, close: async () => undefined };
