// Builds what is known of ID lists beside their manifests, which are kept like specs: which files there are, and their copies.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import type { ConcurrencyLimit } from '../domain/concurrency-limit.js';
import type { CopyPlace } from '../id-lists/copy-place.js';
import { DiskPlace } from '../id-lists/disk/disk-place.js';
import { IdListFiles } from '../id-lists/id-list-files.js';
import { ManifestDirectory, type ManifestSource } from '../id-lists/manifest-directory.js';
import { ManifestFiles } from '../id-lists/manifest-files.js';
import { MemoryPlace } from '../id-lists/memory-place.js';
import { RewrittenManifests } from '../id-lists/rewritten-manifests.js';
import { systemFiles } from '../sources/disk/file-system.js';
import type { IdListFileOrigin } from '../sources/id-list-file-origin.js';
import { createIdListFileClient } from '../sources/upstream/id-list-file-client.js';
import { toIdListFilesOptions, toUpstreamOptions } from './room-options.js';
import type { World } from './world.js';

/** Below the data directory. */
const FOLDER = 'id-lists';

/** Copies, as far as manifests have to do with them. */
export type KnownFiles = Pick<IdListFiles, 'grow' | 'promisable' | 'areAllWell'>;

export interface ManifestRooms {
  readonly manifests: ManifestDirectory;
  readonly rewrittenManifests: RewrittenManifests;
}

/** `limit` bounds how many body forms are made at one time; `files`: grown as manifests promise more. */
export function buildManifests(
  clock: Clock,
  limit: ConcurrencyLimit,
  source: ManifestSource,
  files: KnownFiles,
): ManifestRooms {
  const manifestFiles = new ManifestFiles();
  return {
    manifests: new ManifestDirectory(clock, source, manifestFiles, files.grow.bind(files)),
    rewrittenManifests: new RewrittenManifests(clock, manifestFiles, files, limit),
  };
}

/** Beside the rooms of specs. */
export interface IdListRooms {
  readonly idListFiles: IdListFiles;
  /** Where the files come from: closed, it lets go of who waits for one. */
  readonly idListFileOrigin: IdListFileOrigin;
}

export function buildIdListFiles(config: Config, world: World): IdListRooms {
  const { clock, log, version } = world;
  const idListFileOrigin = createIdListFileClient(clock, toUpstreamOptions(config, version));
  const place = buildPlace(config, world);
  const options = toIdListFilesOptions(config);
  return { idListFileOrigin, idListFiles: new IdListFiles(clock, log, idListFileOrigin, place, options) };
}

/** Copies that can be fetched again need no volume: without --data-dir they are in memory, whatever CACHE says. */
function buildPlace({ dataDir }: Config, { clock, log, user }: World): CopyPlace {
  if (dataDir === '') return new MemoryPlace();
  return new DiskPlace(systemFiles, clock, log, { folder: join(dataDir, FOLDER), user });
}

/** What /status tells of ID lists. */
export function describeIdLists(manifests: ManifestDirectory, files: IdListFiles): object {
  return { files: manifests.entries, ...files.describe() };
}
