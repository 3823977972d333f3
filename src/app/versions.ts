// Earlier versions of specs as a feature: where they are kept, and how many of them.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import { VersionHistory, type HistoryPlace } from '../core/versions/version-history.js';
import { ThreadedDiffer } from '../protocols/statsig/spec-diff/threaded-differ.js';
import { openDiskSnapshots, type DiskSnapshots, type OnDisk } from '../storage/disk/disk-snapshots.js';
import { MemorySnapshots } from '../storage/memory/memory-snapshots.js';
import type { OpenedRedis } from '../storage/redis/open-redis.js';
import type { Feature } from './feature.js';
import { OPERATED_KINDS } from './operated-kinds.js';
import { toStoredLimits } from './stored-limits.js';
import { finishBackups } from './shutdown.js';
import type { World } from './world.js';

const MIB = 1024 * 1024;
/** Versions of 10 kB, about; where they are larger, their bytes are what counts. */
const FILES_PER_MIB = 100;
/** Of one payload. */
const PAYLOAD_BYTES_MAX = 32 * MIB;
/** Of all versions, where they are kept in memory only. */
const MEMORY_BYTES_MAX = 64 * MIB;

/** Undefined where specs are kept in no folder. */
export async function openVersionFolder(
  config: Config,
  { clock, log, user }: World,
  disk: OnDisk,
): Promise<DiskSnapshots | undefined> {
  if (config.specDir === undefined) return undefined;
  const folder = join(config.specDir, 'versions');
  const { versionsMaxMib } = config;
  const bounds = { filesMax: versionsMaxMib * FILES_PER_MIB, bytesMax: versionsMaxMib * MIB };
  const options = { folder, user, limits: toStoredLimits(config), ...bounds };
  return await openDiskSnapshots(clock, log, { what: 'versions of specs', ...disk, ...options });
}

export interface Versions {
  readonly history: VersionHistory;
  readonly differ: ThreadedDiffer;
  readonly versionFeature: Feature;
}

export function buildVersions(
  config: Config,
  { clock, log }: World,
  redis: OpenedRedis | undefined,
  disk: DiskSnapshots | undefined,
): Versions {
  const memory = new MemorySnapshots(clock, MEMORY_BYTES_MAX);
  const places: HistoryPlace[] = [];
  if (disk !== undefined) places.push({ name: 'disk', snapshots: disk });
  if (redis !== undefined) places.push({ name: 'redis', snapshots: redis.kept });
  if (places.length === 0) places.push({ name: 'memory', snapshots: memory });
  const history = new VersionHistory(clock, log, places, {
    versionsMax: config.versionsKept,
    bytesMax: PAYLOAD_BYTES_MAX,
    keeps: ({ kind }) => OPERATED_KINDS.includes(kind),
    instanceName: config.instanceName,
  });
  const differ = new ThreadedDiffer(clock, (error) => {
    log.error({ err: error }, 'versions of a spec not compared');
  });
  return {
    history,
    differ,
    versionFeature: {
      name: 'versions',
      close: async () => {
        await differ.close();
        // Redis is closed with the backups of specs.
        await finishBackups(clock, {
          stop: () => undefined,
          idle: history.idle.bind(history),
          close: async () => disk?.close(),
        });
      },
      gauges: () => ({ versionBytes: { entries: memory.bytes, entriesMax: MEMORY_BYTES_MAX } }),
      status: () => ({
        versions: {
          kept: config.versionsKept,
          places: places.map(({ name }) => name),
          toRecord: history.pending,
          ...(disk && { disk: disk.describe() }),
        },
      }),
    },
  };
}
