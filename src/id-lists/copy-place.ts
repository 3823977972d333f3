// The port to where local copies of ID lists' files are kept: memory, or a folder that outlives the process.

/** The bytes of one copy, which only ever grow. One writer at a time; readers come and go. */
export interface CopyBytes {
  /** How many can be read. */
  readonly length: number;
  /** Resolves once they can be read. Rejects where they could not be kept: then none of them counts. */
  append(piece: Uint8Array): Promise<void>;
  /**
   * From `from` up to, and not with, `to`, which is no more than `length`; in pieces of 64 KiB or less. Gives the right
   * bytes to its end though the copy grows or is removed meanwhile; throws where the place fails.
   */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
  /** Of no use any more: its place is free for others. What is being read is still read to its end. Never rejects. */
  remove(): Promise<void>;
}

export interface CopyPlace {
  /** What an earlier process left here that is as it was written, by name, the one used last first. To be called once, first; never rejects. */
  open(): Promise<ReadonlyMap<string, CopyBytes>>;
  /** An empty copy, in the place of any that was there under this name. Rejects where it cannot be made. */
  create(name: string): Promise<CopyBytes>;
  /** The copy was asked for: it is to stay longer than those that were not. */
  used(name: string): void;
  close(): Promise<void>;
}
