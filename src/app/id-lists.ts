// Builds what is known of ID lists beside their manifests, which are kept like specs: which files there are, and their copies.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import type { ConcurrencyLimit } from '../domain/concurrency-limit.js';
import { DiskPlace } from '../id-lists/disk/disk-place.js';
import { IdListFiles } from '../id-lists/id-list-files.js';
import { ManifestDirectory, type ManifestSource } from '../id-lists/manifest-directory.js';
import { ManifestFiles } from '../id-lists/manifest-files.js';
import { MemoryPlace } from '../id-lists/memory-place.js';
import { RewrittenManifests } from '../id-lists/rewritten-manifests.js';
import type { DiskQueue } from '../sources/disk/disk-queue.js';
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
  /** Where the copies are kept; undefined where that is memory. */
  readonly idListDisk: DiskPlace | undefined;
}

export function buildIdListFiles(config: Config, world: World, disk: DiskQueue): IdListRooms {
  const { clock, log, version } = world;
  const idListFileOrigin = createIdListFileClient(clock, toUpstreamOptions(config, version));
  const idListDisk = buildDiskPlace(config, world, disk);
  const place = idListDisk ?? new MemoryPlace();
  const options = toIdListFilesOptions(config);
  const idListFiles = new IdListFiles(clock, log, idListFileOrigin, place, options);
  return { idListFileOrigin, idListFiles, idListDisk };
}

/** Copies that can be fetched again need no volume: without --data-dir they are in memory, whatever CACHE says. */
function buildDiskPlace(
  { dataDir }: Config,
  { clock, log, user }: World,
  queue: DiskQueue,
): DiskPlace | undefined {
  if (dataDir === '') return undefined;
  return new DiskPlace(systemFiles, clock, log, { queue, folder: join(dataDir, FOLDER), user });
}

/** The section of ID lists in /status. */
export function describeIdLists(
  manifests: ManifestDirectory,
  { idListFiles, idListDisk }: IdListRooms,
): object {
  const disk = idListDisk === undefined ? {} : { disk: idListDisk.describe() };
  return { files: manifests.entries, ...idListFiles.describe(), ...disk };
}
