// The port to where batches end that were given up; and the place without a disk, where they are only counted.
import { maskSdkKey } from '../../../domain/sdk-key.js';
import type { Batch, KeptBatch } from './batch.js';

/** Why a batch was given up. */
export interface Death {
  readonly reason: 'rejected' | 'refused' | 'unreadable' | 'failed';
  /** What the origin answered, where it did. */
  readonly status?: number;
  readonly detail: string;
}

/** What is said of a batch that died, wherever it is filed; nothing of its content. */
export function letterFacts(kept: KeptBatch, batch: Batch | undefined, death: Death): object {
  return {
    acceptedAt: new Date(kept.acceptedAtMs).toISOString(),
    batchId: kept.id,
    sdkKey: maskSdkKey(kept.sdkKey),
    ...death,
    bytes: kept.bytes,
    contentEncoding: batch?.headers['content-encoding'] ?? null,
  };
}

export const UNREADABLE: Death = { reason: 'unreadable', detail: 'the batch cannot be read back' };

export interface DeadLetters {
  /** Files the batch with why it died; `batch` is undefined where it cannot be read. Never rejects. */
  add(kept: KeptBatch, batch: Batch | undefined, death: Death): Promise<void>;
  close(): Promise<void>;
}

export const noDeadLetters: DeadLetters = { add: async () => undefined, close: async () => undefined };
