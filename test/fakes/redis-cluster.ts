// A Redis Cluster of three nodes without replicas, on free loopback ports: ready when every node knows all slots.
import { eventually } from '../e2e/deadline.js';
import { onFreePort } from './free-port.js';
import { startRedisServer, type Afterwards, type RedisServer } from './redis-server.js';

const SLOTS = 16_384;
const NODES = 3;

/** Every node a RedisServer of its own, in the order of their slots. `argsOf` is asked once for each. */
export async function startRedisCluster(
  t: Afterwards,
  argsOf: () => readonly string[] | Promise<readonly string[]> = () => [],
): Promise<RedisServer[]> {
  const starts = await Promise.allSettled(
    Array.from({ length: NODES }, async () => startNode(t, await argsOf())),
  );
  // After all of them: one that comes up once the test has failed would live on.
  const nodes = starts.map((start) => {
    if (start.status === 'rejected') throw start.reason;
    return start.value;
  });
  const clients = nodes.map(({ server }) => server.client());
  for (const [index, client] of clients.entries()) {
    const from = Math.floor((SLOTS * index) / NODES);
    const to = Math.floor((SLOTS * (index + 1)) / NODES) - 1;
    await client.cluster('ADDSLOTSRANGE', from, to);
    for (const { server, busPort } of nodes.slice(0, index)) {
      await client.call('CLUSTER', ['MEET', '127.0.0.1', server.port, busPort]);
    }
  }
  for (const client of clients) {
    await eventually('a cluster that knows itself', async () => {
      const info = await client.cluster('INFO');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`);
    });
  }
  return nodes.map(({ server }) => server);
}

interface Node {
  readonly server: RedisServer;
  /** Where it talks to the other nodes. */
  readonly busPort: number;
}

async function startNode(t: Afterwards, args: readonly string[]): Promise<Node> {
  // With the default of 15 s the cluster would notice a dead node after most tests have ended.
  const impatient = ['--cluster-node-timeout', '1000'];
  return await onFreePort(async (busPort) => {
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
    return { busPort, server: await startRedisServer(t, [...cluster, ...impatient, ...args]) };
  });
}
