// The port to where local copies of ID lists' files are kept: memory, or a folder that outlives the process.

/** The bytes of one copy, which only ever grow. One writer at a time; readers come and go. */
export interface CopyBytes {
  /** How many can be read. */
  readonly length: number;
  /** Resolves once they can be read. Rejects where they could not be kept: then none of them counts. */
  append(piece: Uint8Array): Promise<void>;
  /**
   * From `from` up to, and not with, `to`, which is no more than `length`; in pieces of 64 KiB or less. Gives the right
   * bytes though the copy grows meanwhile; where it is removed meanwhile, or the place fails, the reading may throw.
   */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
  /** Makes its place free for others. Never rejects. */
  remove(): Promise<void>;
}

export interface CopyPlace {
  /** What an earlier process left here that is as it was written, by name, the one that grew last first. To be called once, first; never rejects. */
  open(): Promise<ReadonlyMap<string, CopyBytes>>;
  /** An empty copy, in the place of any that was there under this name: that is lost also where this rejects. */
  create(name: string): Promise<CopyBytes>;
  close(): Promise<void>;
}
