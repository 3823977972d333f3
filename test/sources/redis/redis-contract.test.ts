// The contract for snapshots, kept by Redis: one server, and a cluster whose names lie on different nodes.
import type { TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { snapshotsContract } from '../../contracts/snapshots-contract.js';
import type { SnapshotsPlace } from '../../contracts/snapshots-place.js';
import { startRedisCluster } from '../../fakes/redis-cluster.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { clusterAddress, openReplica, redisOptions } from './redis-scene.js';

snapshotsContract('redis', async (t: TestContext): Promise<SnapshotsPlace> => {
  const server = await startRedisServer(t);
  const client = server.client();
  return {
    open: async () => (await openReplica(t, redisOptions(server.port))).snapshots,
    age: (durationMs) => age([client], durationMs),
  };
});

snapshotsContract('redis cluster', async (t: TestContext): Promise<SnapshotsPlace> => {
  const nodes = await startRedisCluster(t);
  const clients = nodes.map((node) => node.client());
  const address = clusterAddress(nodes);
  return {
    open: async () => (await openReplica(t, redisOptions(0, { address }))).snapshots,
    age: (durationMs) => age(clients, durationMs),
  };
});

async function age(clients: readonly Redis[], durationMs: number): Promise<void> {
  for (const client of clients) {
    for (const name of await client.keys('statsig|*')) {
      await client.hincrby(name, 'sfp_confirmed', -durationMs);
    }
  }
}
