// What the process gives its rooms, so that none of them reaches for it.
import type { Clock } from '../domain/clock.js';
import type { Logger } from '../observability/logger.js';
import type { FolderUser } from '../files/own-folder.js';

/** What the process is given instead of reaching for it. */
export interface World {
  readonly clock: Clock;
  readonly log: Logger;
  /** This program's release. */
  readonly version: string;
  /** Who it runs as; undefined where the system knows no users. */
  readonly user: FolderUser | undefined;
  /** How many files and connections it may have open; Infinity where there is no limit. */
  readonly openFilesMax: number;
  /** How much memory it may take: the smaller of its heap's limit and its container's. */
  readonly memoryBytesMax: number;
}
