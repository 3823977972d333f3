// Keeps batches in memory: they are lost with the process.
import { bytesOf, type Batch, type BatchKeeper, type KeptBatch } from './batch.js';

export const memoryKeeper: BatchKeeper = {
  isDurable: false,
  open: async () => [],
  keep: async (batch) => toKept(batch),
  close: async () => undefined,
};

function toKept(batch: Batch): KeptBatch {
  const { id, sdkKey, acceptedAtMs } = batch;
  return {
    id,
    sdkKey,
    acceptedAtMs,
    bytes: bytesOf(batch),
    read: async () => batch,
    forget: () => undefined,
  };
}
