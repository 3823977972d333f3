// Builds what ID lists need beside their manifests, which are kept like specs: which files there are, and their copies.
import type { SharedConnections } from '../http-client/upstream-pool.js';
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import { DiskPlace } from '../protocols/statsig/id-lists/disk/disk-place.js';
import { IdListFiles } from '../protocols/statsig/id-lists/id-list-files.js';
import { ManifestDirectory } from '../protocols/statsig/id-lists/manifest-directory.js';
import { ManifestFiles } from '../protocols/statsig/id-lists/manifest-files.js';
import { MemoryPlace } from '../protocols/statsig/id-lists/memory-place.js';
import { RewrittenManifests } from '../protocols/statsig/id-lists/rewritten-manifests.js';
import type { DiskQueue } from '../files/disk-queue.js';
import { systemFiles } from '../files/file-system.js';
import type { IdListFileOrigin } from '../protocols/statsig/origin/id-list-file-origin.js';
import { createIdListFileClient } from '../protocols/statsig/origin/id-list-file-client.js';
import { toIdListFilesOptions, toUpstreamOptions } from './room-options.js';
import type { Core } from './core.js';
import type { World } from './world.js';

/** Below the data directory. */
const FOLDER = 'id-lists';

export interface IdLists {
  readonly manifests: ManifestDirectory;
  readonly rewrittenManifests: RewrittenManifests;
  readonly idListFiles: IdListFiles;
  /** Where the files come from; closing it fails the requests that wait for one. */
  readonly idListFileOrigin: IdListFileOrigin;
  /** Where the copies are kept; undefined where that is memory. */
  readonly idListDisk: DiskPlace | undefined;
}

/** Manifests are payloads of the core; their files are kept here. */
export function buildIdLists(
  config: Config,
  world: World,
  core: Core,
  connections: SharedConnections,
  disk: DiskQueue,
): IdLists {
  const { clock, log, version } = world;
  const { store, reader, refresher, formsLimit } = core;
  const idListFileOrigin = createIdListFileClient(clock, toUpstreamOptions(config, version, connections));
  const idListDisk = buildDiskPlace(config, world, disk);
  const place = idListDisk ?? new MemoryPlace();
  const idListFiles = new IdListFiles(clock, log, idListFileOrigin, place, toIdListFilesOptions(config));
  const manifestFiles = new ManifestFiles();
  const source = { read: reader.read.bind(reader), refresh: refresher.refresh.bind(refresher) };
  const grow = idListFiles.grow.bind(idListFiles);
  const manifests = new ManifestDirectory(clock, source, manifestFiles, grow);
  store.subscribe(manifests);
  const rewrittenManifests = new RewrittenManifests(clock, manifestFiles, idListFiles, formsLimit);
  return { manifests, rewrittenManifests, idListFiles, idListFileOrigin, idListDisk };
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
export function describeIdLists(manifests: ManifestDirectory, { idListFiles, idListDisk }: IdLists): object {
  const disk = idListDisk === undefined ? {} : { disk: idListDisk.describe() };
  return { files: manifests.entries, ...idListFiles.describe(), ...disk };
}
