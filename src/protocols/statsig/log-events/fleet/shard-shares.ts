// Which shard a key belongs to, and which replica is to own which shards: pure, so that all replicas come to the same.
import { createHash } from 'node:crypto';

/** Hexadecimal digits of a hash that decide: enough for any number of shards. */
const DIGITS = 8;

/** `keyHash`: as `hashSdkKey` gives it. */
export function shardOf(keyHash: string, shards: number): number {
  return Number.parseInt(keyHash.slice(0, DIGITS), 16) % shards;
}

/**
 * The shards of each replica: as many as of any other, give or take one. Each shard goes to the replica that ranks first
 * for it and has room, so that few change hands when a replica comes or goes.
 */
export function shareShards(
  instances: readonly string[],
  shards: number,
): ReadonlyMap<string, ReadonlySet<number>> {
  const shares = new Map(instances.map((instance) => [instance, new Set<number>()]));
  const evenly = Math.floor(shards / shares.size);
  let larger = shards % shares.size;
  for (let shard = 0; shard < shards; shard += 1) {
    for (const instance of ranked([...shares.keys()], shard)) {
      const share = shares.get(instance);
      if (share === undefined || share.size > evenly) continue;
      if (share.size === evenly && larger === 0) continue;
      if (share.size === evenly) larger -= 1;
      share.add(shard);
      break;
    }
  }
  return shares;
}

function ranked(instances: readonly string[], shard: number): readonly string[] {
  const rank = (instance: string): string =>
    createHash('sha256').update(`${shard}\n${instance}`).digest('hex');
  return instances
    .map((instance) => ({ instance, rank: rank(instance) }))
    .sort((one, other) => (one.rank < other.rank ? -1 : 1))
    .map(({ instance }) => instance);
}
