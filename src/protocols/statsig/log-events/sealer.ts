// The port to what makes kept batches unreadable to others: a seal, or nothing where no key was given.
import { isSealedWithDataKey, type DataKeys } from '../../../files/data-keys.js';
import { BrokenSeal } from '../../../files/seal.js';
import { BatchDamage } from './batch.js';

export interface Sealer {
  /** Whether what is stored shows nothing of SDK keys and bodies. */
  readonly isSealed: boolean;
  /** What is to be stored, in pieces. */
  close(content: readonly Uint8Array[]): Promise<readonly Buffer[]>;
  /**
   * Throws `BatchDamage` where `sealed` is not what `close` returned, and `DataKeyMissing` where it was closed with a key that
   * is not at hand: that key may come back, so it is worth another try.
   */
  open(sealed: Buffer): Promise<Buffer>;
}

/** Stores content as it is. */
export const plainSealer: Sealer = {
  isSealed: false,
  close: async (content) => content.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  open: async (sealed) => sealed,
};

/**
 * Seals with the first data key, or not at all while there is none. Either way it opens both forms, so that a key can be
 * introduced and given up while batches wait: what a batch begins with is never what a seal begins with.
 */
export function createDataKeySealer(dataKeys: DataKeys): Sealer {
  return {
    get isSealed() {
      return dataKeys.sealingId !== undefined;
    },
    close: (content) => (dataKeys.sealingId === undefined ? plainSealer : dataKeys).close(content),
    open: async (sealed) => {
      if (!isSealedWithDataKey(sealed)) return sealed;
      try {
        return await dataKeys.open(sealed);
      } catch (error) {
        if (!(error instanceof BrokenSeal)) throw error;
        throw new BatchDamage('the batch is not what was stored', { cause: error });
      }
    },
  };
}
