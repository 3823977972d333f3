// What the process gives its rooms, so that none of them reaches for it.
import type { Clock } from '../domain/clock.js';
import type { Lookup } from '../network/addresses.js';
import type { Logger } from '../observability/logger.js';
import type { FolderUser } from '../files/own-folder.js';

/** What the process is given instead of reaching for it. */
export interface World {
  readonly clock: Clock;
  readonly log: Logger;
  /** This program's release. */
  readonly version: string;
  /** The user that it runs as; undefined on systems without users. */
  readonly user: FolderUser | undefined;
  /** How many files and connections it may have open; Infinity for no limit. */
  readonly openFilesMax: number;
  /** How hosts of origins are found; as the system does, where left out. */
  readonly lookup?: Lookup;
  /** How much memory it may take: the smaller of its heap's limit and its container's. */
  readonly memoryBytesMax: number;
}
