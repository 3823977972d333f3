// Reads the dead letters of the fleet's queue of log events once, for people who want to know what was given up.
import type { Clock } from '../../domain/clock.js';
import { toNamePrefix } from './redis-names.js';
import type { RedisOptions } from './redis-options.js';
import { fleetName, shardNames } from './redis-shard-queue.js';
import { inSession } from './single-session.js';

/** For the letters of one shard: a few MiB, or one batch of the largest size. */
const SHARD_LETTERS_MS_MAX = 60_000;

export interface ShardLetter {
  readonly shard: number;
  /** What is known of the batch, as JSON. */
  readonly facts: string;
  /** The batch as it was stored; empty where it was not there any more. */
  readonly sealed: Buffer;
}

/** Shard by shard, the oldest first. Rejects with a RedisFault. */
export async function readShardLetters(
  clock: Clock,
  options: RedisOptions,
  take: (letters: readonly ShardLetter[]) => Promise<void>,
): Promise<void> {
  const prefix = toNamePrefix(options.keyPrefix);
  await inSession(clock, options, async (session) => {
    const used = await session.run(SHARD_LETTERS_MS_MAX, (client) => client.get(fleetName(prefix, 'shards')));
    for (let shard = 0; shard < Number(used ?? 0); shard += 1) {
      const [, , , dead = ''] = shardNames(prefix, shard);
      const entries = await session.run(SHARD_LETTERS_MS_MAX, (client) =>
        client.xrangeBuffer(dead, '-', '+'),
      );
      await take(entries.map(([, fields]) => toLetter(shard, fields)));
    }
  });
}

/** Written by one script, which gives both fields in this order. */
function toLetter(shard: number, fields: readonly Buffer[]): ShardLetter {
  const [, facts, , sealed] = fields;
  return { shard, facts: String(facts), sealed: sealed ?? Buffer.alloc(0) };
}
