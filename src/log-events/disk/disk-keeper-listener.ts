// What the disk keeper tells of: damage that it found, and what it could not write or lock.
export interface DiskKeeperListener {
  damaged(segment: string, records: number, tornBytes: number): void;
  /** What is done could not be written down: after a restart it would be sent once more. */
  progressNotWritten(error: unknown): void;
  /** The file system knows no locks of our kind, or the path is too long for one. */
  notLocked(error: unknown): void;
}
