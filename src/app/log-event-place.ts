// Where log events wait for the origin: chosen once at the start, by the setting and by what Redis says of its durability.
import type { Config } from '../config/load-config.js';
import type { DataKeys } from '../files/data-keys.js';
import type { Logger } from '../observability/logger.js';
import type { QueueDurability, ShardQueue } from '../storage/shard-queue.js';
import type { OpenedRedis } from '../storage/redis/open-redis.js';

export type LogEventPlace =
  | {
      readonly kind: 'memory' | 'disk';
      /** The fleet's queue, where an earlier setting may have left something in it. */
      readonly leaving: ShardQueue | undefined;
    }
  | {
      readonly kind: 'redis';
      readonly queue: ShardQueue;
      /** Undefined where Redis could not be asked. */
      readonly durability: QueueDurability | undefined;
    };

/** Chooses the place and says which it is. Never rejects: without an answer `auto` does without Redis. */
export async function openLogEventPlace(
  config: Config,
  log: Logger,
  redis: Pick<OpenedRedis, 'queue'> | undefined,
  dataKeys: DataKeys,
): Promise<LogEventPlace> {
  const place = await choosePlace(config, log, redis);
  tellPlace(log, place, dataKeys.sealingId !== undefined);
  return place;
}

async function choosePlace(
  { logEventStore, dataDir }: Config,
  log: Logger,
  redis: Pick<OpenedRedis, 'queue'> | undefined,
): Promise<LogEventPlace> {
  const kind = dataDir === '' || logEventStore === 'memory' ? 'memory' : 'disk';
  if (redis === undefined) return { kind, leaving: undefined };
  const { queue } = redis;
  const mayBeRedis = logEventStore === 'redis' || logEventStore === 'auto';
  const durability = mayBeRedis ? await ask(log, queue.durability()) : undefined;
  const isRedis = logEventStore === 'redis' || durability?.appendOnly === true;
  if (isRedis) return { kind: 'redis', queue, durability };
  return { kind, leaving: (await ask(log, queue.wasUsed())) === true ? queue : undefined };
}

async function ask<Answer>(log: Logger, answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    log.warn({ err: error }, 'Redis could not be asked about its queue of log events');
    return undefined;
  }
}

/** One line that says where they wait, and one for each thing that makes them less safe there. */
function tellPlace(log: Logger, place: LogEventPlace, isSealed: boolean): void {
  const durability = place.kind === 'redis' ? place.durability : undefined;
  log.info({ store: place.kind, ...durability }, 'log events wait for the origin in this store');
  if (place.kind !== 'redis') return;
  if (!isSealed) {
    log.warn('log events and their SDK keys are in Redis as plain text: set --data-key-file to encrypt them');
  }
  if (durability?.appendOnly === false) {
    log.warn('Redis writes no append-only file: log events that were accepted are lost when it restarts');
  }
  const policy = durability?.evictionPolicy;
  if (policy !== undefined && policy !== 'noeviction') {
    log.warn(
      { policy },
      'Redis may evict log events that were accepted: set its maxmemory-policy to noeviction',
    );
  }
}
