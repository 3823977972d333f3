// Where log events wait for the origin: chosen once at the start, by the setting and by what Redis says of its durability.
import type { Config } from '../config/load-config.js';
import type { DataKeys } from '../files/data-keys.js';
import type { Logger } from '../observability/logger.js';
import type { QueueDurability, ShardQueue } from '../storage/shard-queue.js';
import { evictsLogEvents, logEventRisks, type LogEventStoreFacts } from './log-event-risks.js';
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
  const durability = place.kind === 'redis' ? place.durability : undefined;
  log.info({ store: place.kind, ...durability }, 'log events wait for the origin in this store');
  const isSealed = dataKeys.sealingId !== undefined;
  for (const { what, remedy } of durability ? logEventRisks(toStoreFacts(config, durability, isSealed)) : [])
    log.warn({ what, remedy }, 'log events in Redis are less safe than they could be');
  return place;
}

export function toStoreFacts(
  { redis, logEventMinReplicas: replicasMin }: Config,
  durability: QueueDurability,
  isSealed: boolean,
): LogEventStoreFacts {
  return { durability, replicasMin, failsOver: redis?.address.kind !== 'standalone', isSealed };
}

/**
 * Why `auto` does without Redis, as the end of a sentence; undefined where it takes it. A user that may not use streams is one
 * that was given its rights before there was a queue.
 */
export function unfitness(durability: QueueDurability): string | undefined {
  const { appendOnly, denied } = durability;
  if (appendOnly === undefined) return 'it does not say whether it writes an append-only file';
  if (!appendOnly) return 'it writes no append-only file';
  if (evictsLogEvents(durability)) return 'it may evict them';
  return denied.length === 0 ? undefined : `its user may not: ${denied.join(', ')}`;
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
  const isFit = durability !== undefined && unfitness(durability) === undefined;
  if (logEventStore === 'redis' || isFit) return { kind: 'redis', queue, durability };
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
