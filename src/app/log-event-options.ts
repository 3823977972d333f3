// Config cut into what the parts of the log-event store ask for.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { DiskKeeperOptions } from '../protocols/statsig/log-events/disk/disk-keeper.js';
import type { FiledDeadLettersOptions } from '../protocols/statsig/log-events/disk/filed-dead-letters.js';
import type { FleetKeeperOptions } from '../protocols/statsig/log-events/fleet/fleet-keeper.js';
import type { ThreadOptions } from '../protocols/statsig/log-events/inspection/inspection-thread.js';
import type { LogEventStoreOptions } from '../protocols/statsig/log-events/log-event-store.js';
import { sharedLimits } from '../protocols/statsig/log-events/queue-room.js';
import type { World } from './world.js';

const MIB = 1024 * 1024;

export function toLogEventOptions(config: Config): LogEventStoreOptions {
  return {
    batchesMax: config.logEventProcessQueueSize,
    bytesMax: config.logEventQueueMaxMib * MIB,
    flushMs: config.logEventStopTimeoutS * 1000,
  };
}

export function toFleetQueueOptions(config: Config): FleetKeeperOptions {
  return { shards: config.logEventShards, limits: sharedLimits(toLogEventOptions(config)) };
}

export function toInspectionOptions(config: Config): ThreadOptions {
  return {
    decodedBytesMax: config.logEventDecodedBodyMaxMib * MIB,
    exposuresMax: config.disableLogEventDedupe ? 0 : config.logEventDedupeCacheLimit,
  };
}

/** A file of log events is closed at this size, or a little above. */
const SEGMENT_BYTES_MIN = 8 * MIB;
/** With larger queues files grow, which keeps the number of open files at about this many ... */
const SEGMENTS_ABOUT = 64;
/** ... up to this: places in a file have four bytes. */
const SEGMENT_BYTES_MAX = 1024 * MIB;
const DEAD_LETTERS_BYTES_MAX = 64 * MIB;

/** To be asked for where there is a data folder. */
export function toLogEventFileOptions(
  config: Config,
  user: World['user'],
): {
  readonly keeper: Omit<DiskKeeperOptions, 'dataKeys'>;
  readonly deadLetters: Omit<FiledDeadLettersOptions, 'dataKeys'>;
} {
  const folder = join(config.dataDir, 'log-events');
  const wantedBytes = (config.logEventQueueMaxMib * MIB) / SEGMENTS_ABOUT;
  const segmentBytes = Math.min(Math.max(SEGMENT_BYTES_MIN, wantedBytes), SEGMENT_BYTES_MAX);
  return {
    keeper: { folder, user, segmentBytes },
    deadLetters: { folder, bytesMax: DEAD_LETTERS_BYTES_MAX },
  };
}
