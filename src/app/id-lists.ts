// Builds what ID lists need beside their manifests, which are kept like specs: which files there are, and their copies.
import type { SharedConnections } from '../http-client/upstream-pool.js';
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import { DiskPlace } from '../protocols/statsig/id-lists/disk/disk-place.js';
import { IdListFiles } from '../protocols/statsig/id-lists/id-list-files.js';
import { ManifestDirectory } from '../protocols/statsig/id-lists/manifest-directory.js';
import { ManifestFiles } from '../protocols/statsig/id-lists/manifest-files.js';
import { MemoryPlace } from '../protocols/statsig/id-lists/memory-place.js';
import { RewrittenManifests } from '../protocols/statsig/id-lists/rewritten-manifests.js';
import type { DiskQueue } from '../files/disk-queue.js';
import { readInstruments as to } from '../observability/instruments.js';
import { systemFiles } from '../files/file-system.js';
import type { IdListFileOrigin } from '../protocols/statsig/origin/id-list-file-origin.js';
import { createIdListFileClient } from '../protocols/statsig/origin/id-list-file-client.js';
import { toIdListFilesOptions, toUpstreamOptions } from './room-options.js';
import type { Core } from './core.js';
import type { Feature } from './feature.js';
import type { World } from './world.js';

/** Below the data directory. */
const FOLDER = 'id-lists';
/** A stop waits no longer for copies that are being written: they can be fetched again. */
const CLOSE_MS_MAX = 300;

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
  const manifestFiles = new ManifestFiles(config.statsigEndpointDownloadIdListFile);
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

export function idListFeature(clock: Clock, { manifests, idListFiles, idListDisk }: IdLists): Feature {
  return {
    name: 'ID lists',
    prepare: () => idListFiles.open(),
    close: () => atMost(clock, CLOSE_MS_MAX, idListFiles.close()),
    readings: (write) => {
      write(to.idListBytes, idListFiles.copyBytes);
      write(to.idListHits, idListFiles.hits);
      for (const [end, fetches] of Object.entries(idListFiles.fetchesEnded))
        write(to.idListFetches, fetches, end);
    },
    gauges: () => ({ ...manifests.gauges, ...idListFiles.gauges }),
    unusable: () => {
      const failing = idListDisk?.failing;
      const what = 'files of ID lists have no new copies: they are passed through';
      return failing === undefined
        ? []
        : [{ reason: 'id_lists_folder_failing', what, sinceMs: clock.nowMs() - failing.forMs, count: 1 }];
    },
    problems: () => {
      const { failing } = idListFiles;
      if (failing === undefined) return [];
      const what = 'Files of ID lists cannot be fetched.';
      const sinceMs = clock.nowMs() - failing.forMs;
      return [{ reason: 'id_list_files_failing', what, sinceMs, count: failing.files }];
    },
    status: () => ({
      idLists: {
        files: manifests.entries,
        ...idListFiles.describe(),
        ...(idListDisk && { disk: idListDisk.describe() }),
      },
    }),
  };
}
