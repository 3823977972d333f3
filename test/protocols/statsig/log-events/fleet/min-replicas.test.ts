// `--log-event-min-replicas` with replicas of a real Redis: alone, in a cluster, and behind sentinels that bring about a failover.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import type { Appended, NewEntry, ShardCounts } from '../../../../../src/storage/shard-queue.js';
import { shardNames, type RedisShardQueue } from '../../../../../src/storage/redis/redis-shard-queue.js';
import { sharedLimits } from '../../../../../src/protocols/statsig/log-events/queue-room.js';
import { eventually } from '../../../../e2e/deadline.js';
import { startRedisCluster } from '../../../../fakes/redis-cluster.js';
import { MASTER_NAME, startSentinel } from '../../../../fakes/redis-sentinel.js';
import { startRedisServer, type RedisServer } from '../../../../fakes/redis-server.js';
import { clusterAddress } from '../../../../storage/redis/redis-scene.js';
import { openQueue, type QueueSetting } from './fleet-scene.js';

const LIMITS = sharedLimits({ batchesMax: 1_000, bytesMax: 1e9 });
const NOTHING: ShardCounts = { knownBatches: 0, knownBytes: 0, unknownBatches: 0, unknownBytes: 0 };
const SHARDS = [0, 1, 2, 3, 4, 5];
const FAILOVER_MS_MAX = 60_000;
/** A master that sends what it has as soon as it is asked; five seconds later by default. */
const MASTER = ['--repl-diskless-sync-delay', '0'];

function entry(id: string): NewEntry {
  const [facts, body] = [Buffer.from('facts'), Buffer.from('body')];
  return { id, keyHash: 'aa', isKnown: true, bytes: 4, facts, body };
}

function append(queue: RedisShardQueue, shard: number, id: string): Promise<Appended> {
  return queue.append(shard, entry(id), LIMITS, NOTHING);
}

async function openedQueue(
  t: TestContext,
  setting: Omit<QueueSetting, 'replicasMin'>,
): Promise<RedisShardQueue> {
  const { queue, links } = openQueue(t, 'a', { ...setting, replicasMin: 1 });
  await Promise.all(links.map((link) => link.open()));
  return queue;
}

/** A server that has all that `master` has; `client` is one of the master. */
async function startFollower(
  t: TestContext,
  master: { readonly port: number },
  client: Redis,
): Promise<RedisServer> {
  const follower = await startRedisServer(t, [...MASTER, '--replicaof', '127.0.0.1', String(master.port)]);
  await eventually('a follower', async () => /slave0:.*state=online/.test(await client.info('replication')));
  return follower;
}

function waits(shard: number): string {
  return shardNames('', shard)[0] ?? assert.fail('a shard without a stream');
}

test('a batch is kept once a replica of Redis has it; one that a replica does not confirm is not, however often it is put in', async (t) => {
  const server = await startRedisServer(t, MASTER);
  const follower = await startFollower(t, server, server.client());
  const queue = await openedQueue(t, server);
  assert.equal((await append(queue, 0, '1')).kind, 'kept');
  assert.equal(await follower.client().xlen(waits(0)), 1);
  // Connected all the while, as a replica is that lags.
  follower.signal('SIGSTOP');
  assert.deepEqual(await append(queue, 0, '2'), { kind: 'too-few-replicas', replicas: 0 });
  // Over a connection that has written nothing itself.
  const other = await openedQueue(t, server);
  assert.deepEqual(await append(other, 0, '2'), { kind: 'too-few-replicas', replicas: 0 });
  follower.signal('SIGCONT');
  await eventually('a replica that has it', async () => (await append(other, 0, '2')).kind === 'kept');
  assert.equal(await follower.client().xlen(waits(0)), 2);
  assert.equal(await server.client().xlen(waits(0)), 2);
});

test('in a cluster the replicas of the node that has the shard are asked', async (t) => {
  const nodes = await startRedisCluster(t, () => MASTER);
  const second = nodes[1] ?? assert.fail('no second node');
  const client = second.client();
  await startFollower(t, second, client);
  const queue = await openedQueue(t, { port: 0, options: { address: clusterAddress(nodes) } });
  const kinds = await Promise.all(SHARDS.map(async (shard) => (await append(queue, shard, 'x')).kind));
  const onSecond = await Promise.all(SHARDS.map((shard) => isThere(client, shard)));
  assert.deepEqual(
    kinds,
    onSecond.map((isOnSecond) => (isOnSecond ? 'kept' : 'too-few-replicas')),
  );
  assert.equal(new Set(kinds).size, 2);
});

test('in a cluster a batch finds its shard though that has moved to another node', async (t) => {
  const nodes = await startRedisCluster(t, () => MASTER);
  const clients = nodes.map((node) => node.client());
  const [second, client] = [nodes[1] ?? assert.fail('no second node'), clients[1] as Redis];
  await startFollower(t, second, client);
  const queue = await openedQueue(t, { port: 0, options: { address: clusterAddress(nodes) } });
  const moved: number[] = [];
  for (const shard of SHARDS) if (!(await isThere(client, shard))) moved.push(shard);
  const id = String(await client.call('CLUSTER', 'MYID'));
  for (const each of [client, ...clients])
    for (const shard of moved)
      await each.call(
        'CLUSTER',
        'SETSLOT',
        String(await client.cluster('KEYSLOT', waits(shard))),
        'NODE',
        id,
      );
  assert.ok(moved.length > 0);
  for (const shard of moved) assert.equal((await append(queue, shard, 'x')).kind, 'kept');
  for (const shard of moved) assert.equal(await client.xlen(waits(shard)), 1);
});

test('what a replica has confirmed is there after a failover of sentinels, and the next master has to have replicas too', async (t) => {
  const master = await startRedisServer(t, MASTER);
  const follower = await startFollower(t, master, master.client());
  const sentinel = { host: '127.0.0.1', port: await startSentinel(t, master.port) };
  const queue = await openedQueue(t, {
    port: 0,
    options: {
      address: {
        kind: 'sentinel',
        masterName: MASTER_NAME,
        sentinels: [sentinel],
        sentinelUser: '',
        sentinelPassword: '',
      },
    },
  });
  assert.equal((await append(queue, 0, '1')).kind, 'kept');
  await master.kill();
  const client = follower.client();
  const kindOf = async (id: string): Promise<string> => {
    try {
      return (await append(queue, 0, id)).kind;
    } catch {
      return 'nothing';
    }
  };
  await eventually(
    'the next master',
    async () => (await kindOf('2')) === 'too-few-replicas',
    FAILOVER_MS_MAX,
  );
  await startFollower(t, follower, client);
  assert.equal(await kindOf('2'), 'kept');
  const ids = (await client.xrange(waits(0), '-', '+')).map(([, fields]) => fields[1]);
  assert.deepEqual(ids, ['1', '2']);
});

/** Whether this node has the shard, and is not one that says where it is. */
async function isThere(client: Redis, shard: number): Promise<boolean> {
  try {
    await client.exists(waits(shard));
    return true;
  } catch {
    return false;
  }
}
