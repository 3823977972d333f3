// What the shards of the fleet's queue have around them, at one replica.
import type { Clock } from '../../../../domain/clock.js';
import type { Logger } from '../../../../observability/logger.js';
import type { ShardQueue } from '../../../../storage/shard-queue.js';
import type { Arrivals } from '../batch.js';
import type { Sealer } from '../sealer.js';

export interface ShardListener {
  /** It cannot be read with the key that is there: it stays where it is. */
  unreadable(shard: number, id: string, error: unknown): void;
  /** What is done could not be written down yet. */
  progressNotWritten(error: unknown): void;
}

export interface ShardWorld {
  readonly clock: Clock;
  readonly log: Logger;
  readonly queue: ShardQueue;
  readonly sealer: Sealer;
  readonly arrivals: Arrivals;
  readonly listener: ShardListener;
}
