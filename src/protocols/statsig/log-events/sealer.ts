// The port to what makes kept batches unreadable to others: a seal, or nothing where no key was given.

export interface Sealer {
  /** Whether what is stored shows nothing of SDK keys and bodies. */
  readonly isSealed: boolean;
  /** What is to be stored, in pieces. */
  close(content: readonly Uint8Array[]): Promise<readonly Buffer[]>;
  /** Throws `BatchDamage` where `sealed` is not what `close` returned, or was closed with a key that is not at hand. */
  open(sealed: Buffer): Promise<Buffer>;
}

/** Stores content as it is. */
export const plainSealer: Sealer = {
  isSealed: false,
  close: async (content) => content.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  open: async (sealed) => sealed,
};
