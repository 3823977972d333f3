// Opens the places where specs outlive the process, as CACHE and --data-dir say: Redis, a directory, both, or none.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { RedisConfig } from '../config/redis-config.js';
import type { BackupPlace, Backups } from '../core/backups.js';
import type { ClientIdentity } from '../network/secure-context.js';
import type { Clock } from '../domain/clock.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { BackupSeal } from '../storage/backup-seal.js';
import {
  openDiskSnapshots,
  type DiskOptions,
  type DiskSnapshots,
  type OnDisk,
} from '../storage/disk/disk-snapshots.js';
import type { openRedis, OpenedRedis } from '../storage/redis/open-redis.js';
import type { RedisOptions } from '../storage/redis/redis-options.js';
import { allPayloadKeys } from '../protocols/statsig/resource-kinds.js';
import { openHoldFolder } from './holds.js';
import { openValueFolder } from './remote-values.js';
import { openVersionFolder } from './versions.js';
import { identityOf } from './room-options.js';
import { toStoredLimits } from './stored-limits.js';
import type { Sources } from './core.js';
import type { Feature } from './feature.js';
import { finishBackups } from './shutdown.js';
import type { World } from './world.js';

type OpenRedis = typeof openRedis;

export interface OpenedPlaces extends Pick<Sources, 'places' | 'link'> {
  readonly redis: OpenedRedis | undefined;
  readonly disk: DiskSnapshots | undefined;
  /** Of remote values; undefined where specs have none. */
  readonly valueFolder: DiskSnapshots | undefined;
  /** Of earlier versions of specs; undefined where specs have none. */
  readonly versionFolder: DiskSnapshots | undefined;
  /** Of what operators hold; undefined where specs have none. */
  readonly holdFolder: DiskSnapshots | undefined;
  /** From now on new connections to Redis go by these certificate authorities. */
  trustForRedis(caPem: string): void;
  /** From now on this certificate is shown on new connections to Redis. */
  readonly showToRedis: (identity: ClientIdentity) => void;
}

export interface RedisTls {
  caPem: string | undefined;
  identity: ClientIdentity | undefined;
}

/** Never rejects for a place that cannot be had: the proxy does without, and tries again. */
export async function openBackupPlaces(
  config: Config,
  world: World,
  events: ProxyEvents,
  onDisk: OnDisk,
): Promise<OpenedPlaces> {
  const { clock, log, user } = world;
  const tls: RedisTls = { caPem: config.redisCaPem, identity: identityOf(config.redisCertificate) };
  const [redis, disk, valueFolder, versionFolder, holdFolder] = await Promise.all([
    config.redis &&
      (await loadRedis())(clock, log, events, toRedisOptions(config, config.redis, tls, onDisk.seal)),
    config.specDir === undefined
      ? undefined
      : openDiskSnapshots(clock, log, { ...onDisk, ...toSpecFileOptions(config, config.specDir, user) }),
    openValueFolder(config, world, onDisk),
    openVersionFolder(config, world, onDisk),
    openHoldFolder(config, world, onDisk),
  ]);
  const places: BackupPlace[] = [];
  if (redis !== undefined) places.push({ name: 'redis', snapshots: redis.snapshots });
  if (disk !== undefined) places.push({ name: 'disk', snapshots: disk });
  return {
    places,
    link: redis?.fleet,
    redis,
    disk,
    valueFolder,
    versionFolder,
    holdFolder,
    trustForRedis: (caPem) => {
      tls.caPem = caPem;
    },
    showToRedis: (identity) => {
      tls.identity = identity;
    },
  };
}

/** Only where it is used: with its library it is 75 modules. */
async function loadRedis(): Promise<OpenRedis> {
  return (await import('../storage/redis/open-redis.js')).openRedis;
}

export function backupFeature(clock: Clock, backups: Backups, { redis, disk }: OpenedPlaces): Feature {
  return {
    name: 'backups',
    close: () => finishBackups(clock, backups),
    readings: (write) => {
      if (redis === undefined) return;
      write(to.redisUp, redis.failing === undefined ? 1 : 0);
      write(to.leader, redis.isLeader ? 1 : 0);
    },
    unusable: () => {
      const failing = disk?.failing;
      const what = 'specs are kept in memory only: a restart needs the origin';
      return failing === undefined
        ? []
        : [{ reason: 'specs_folder_failing', what, sinceMs: clock.nowMs() - failing.forMs, count: 1 }];
    },
    problems: () => {
      const failing = redis?.failing;
      if (failing === undefined) return [];
      const what = `Redis fails: ${failing.reason}.`;
      return [{ reason: 'redis_failing', what, sinceMs: clock.nowMs() - failing.forMs, count: 1 }];
    },
    status: () => ({
      backupsToWrite: backups.pending,
      ...(redis && { redis: redis.describe() }),
      ...(disk && { disk: disk.describe() }),
    }),
  };
}

export function toRedisOptions(
  config: Config,
  redis: RedisConfig,
  tls: RedisTls,
  seal: BackupSeal,
): RedisOptions {
  const leaseTtlMs = config.redisLeaderKeyTtlS * 1000;
  return {
    address: redis.address,
    user: redis.user,
    password: redis.password,
    passwordFile: redis.passwordFile,
    db: redis.database,
    tls: redis.hasTls ? tls : undefined,
    connectTimeoutMs: config.redisConnectionTimeoutS * 1000,
    leaseTtlMs,
    attemptIntervalMs: Math.min(config.pollingIntervalS * 1000, leaseTtlMs / 3),
    entryTtlS: config.redisCacheTtlS,
    keyPrefix: config.redisKeyPrefix,
    keySchema: config.redisKeySchema === 'prefix' ? 'prefix' : 'sha256',
    doubleWriteLegacyKey: config.doubleWriteCacheForLegacyKey,
    instanceName: config.instanceName,
    takesLogEvents: config.logEventStore === 'redis' || config.logEventStore === 'auto',
    logEventReplicasMin: config.logEventMinReplicas,
    bodyLimits: toStoredLimits(config),
    seal,
  };
}

/** Room for keys that have left memory to make room for others. */
const KEPT_PER_HELD = 2;

/** A folder of our own within the directory: volumes are given to containers with whatever owner and mode they have. */
const FOLDER = 'specs';

function toSpecFileOptions(
  config: Config,
  dataDir: string,
  user: World['user'],
): Omit<DiskOptions, keyof OnDisk> {
  const filesMax = config.maximumConcurrentSdkKeys * allPayloadKeys('').length * KEPT_PER_HELD;
  return { what: 'specs', folder: join(dataDir, FOLDER), filesMax, user, limits: toStoredLimits(config) };
}
