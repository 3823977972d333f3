// Builds what ID lists need beside their manifests, which are kept like specs: which files there are, and their copies.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { CopyPlace } from '../id-lists/copy-place.js';
import { DiskPlace } from '../id-lists/disk/disk-place.js';
import { IdListFiles } from '../id-lists/id-list-files.js';
import { ManifestDirectory } from '../id-lists/manifest-directory.js';
import { ManifestFiles } from '../id-lists/manifest-files.js';
import { MemoryPlace } from '../id-lists/memory-place.js';
import { RewrittenManifests } from '../id-lists/rewritten-manifests.js';
import { systemFiles } from '../sources/disk/file-system.js';
import type { IdListFileOrigin } from '../sources/id-list-file-origin.js';
import { createIdListFileClient } from '../sources/upstream/id-list-file-client.js';
import { toIdListFilesOptions, toUpstreamOptions } from './room-options.js';
import type { Core } from './core.js';
import type { World } from './world.js';

/** Below the data directory. */
const FOLDER = 'id-lists';

export interface IdLists {
  readonly manifests: ManifestDirectory;
  readonly rewrittenManifests: RewrittenManifests;
  readonly idListFiles: IdListFiles;
  /** Where the files come from: closed, it lets go of who waits for one. */
  readonly idListFileOrigin: IdListFileOrigin;
}

/** Manifests are payloads of the core; their files are kept here. */
export function buildIdLists(config: Config, world: World, core: Core): IdLists {
  const { clock, log, version } = world;
  const { store, reader, refresher, formsLimit } = core;
  const idListFileOrigin = createIdListFileClient(clock, toUpstreamOptions(config, version));
  const place = buildPlace(config, world);
  const idListFiles = new IdListFiles(clock, log, idListFileOrigin, place, toIdListFilesOptions(config));
  const manifestFiles = new ManifestFiles();
  const source = { read: reader.read.bind(reader), refresh: refresher.refresh.bind(refresher) };
  const grow = idListFiles.grow.bind(idListFiles);
  const manifests = new ManifestDirectory(clock, source, manifestFiles, grow);
  store.subscribe(manifests);
  const rewrittenManifests = new RewrittenManifests(clock, manifestFiles, idListFiles, formsLimit);
  return { manifests, rewrittenManifests, idListFiles, idListFileOrigin };
}

/** Copies that can be fetched again need no volume: without --data-dir they are in memory, whatever CACHE says. */
function buildPlace({ dataDir }: Config, { clock, log, userId: uid }: World): CopyPlace {
  if (dataDir === '') return new MemoryPlace();
  return new DiskPlace(systemFiles, clock, log, { folder: join(dataDir, FOLDER), uid });
}

/** What /status tells of ID lists. */
export function describeIdLists(manifests: ManifestDirectory, files: IdListFiles): object {
  return { files: manifests.entries, ...files.describe() };
}
