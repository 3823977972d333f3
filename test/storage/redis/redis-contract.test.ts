// The contract for snapshots, kept by Redis: one server, and a cluster whose names lie on different nodes.
import { after, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { snapshotsContract } from '../../contracts/snapshots-contract.js';
import type { SnapshotsPlace } from '../../contracts/snapshots-place.js';
import { sealWith } from '../../fakes/backup-seals.js';
import { startRedisCluster } from '../../fakes/redis-cluster.js';
import { startRedisServer, type Afterwards, type RedisServer } from '../../fakes/redis-server.js';
import { clusterAddress, openReplica, redisOptions } from './redis-scene.js';

/** Servers live as long as the file: a cluster takes seconds until it knows itself. */
const file: Afterwards = { after };

const server = await startRedisServer(file);
const nodes = await startRedisCluster(file);

contract('redis', [server], redisOptions(server.port));
contract('redis, sealed', [server], redisOptions(server.port, { seal: sealWith(1) }));
contract('redis cluster', nodes, redisOptions(0, { address: clusterAddress(nodes) }));

function contract(name: string, servers: readonly RedisServer[], options: RedisOptions): void {
  const clients = servers.map((each) => each.client());
  snapshotsContract(name, async (t: TestContext): Promise<SnapshotsPlace> => {
    for (const client of clients) await client.flushall();
    return {
      open: async () => (await openReplica(t, options)).snapshots,
      age: (durationMs) => age(clients, durationMs),
    };
  });
}

async function age(clients: readonly Redis[], durationMs: number): Promise<void> {
  for (const client of clients) {
    for (const name of await client.keys('statsig|*')) {
      await client.hincrby(name, 'sfp_confirmed', -durationMs);
    }
  }
}
