// The port to where batches end that were given up; and the place without a disk, where they are only counted.
import type { Batch, KeptBatch } from './batch.js';

/** Why a batch was given up. */
export interface Death {
  readonly reason: 'rejected' | 'refused' | 'unreadable' | 'failed';
  /** What the origin answered, where it did. */
  readonly status?: number;
  readonly detail: string;
}

export const UNREADABLE: Death = { reason: 'unreadable', detail: 'the batch cannot be read back' };

export interface DeadLetters {
  /** Files the batch with why it died; `batch` is undefined where it cannot be read. Never rejects. */
  add(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void>;
  close(): Promise<void>;
}

export const noDeadLetters: DeadLetters = { add: async () => undefined, close: async () => undefined };
