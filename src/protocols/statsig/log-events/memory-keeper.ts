// Keeps batches in memory: they are lost with the process.
import { bytesOf, type Batch, type KeptBatch, type LocalKeeper } from './batch.js';

export const memoryKeeper: LocalKeeper = {
  isDurable: false,
  isShared: false,
  open: async () => [],
  keep: async (batch) => toKept(batch),
  handOver: async () => undefined,
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
