// The fleet's queue of log events with real processes and a real Redis: whatever dies, all that was answered with 202 arrives, per key in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, within } from '../e2e/deadline.js';
import { startLoggingSdk } from '../e2e/logging-child.js';
import { lengthOf } from '../fakes/length.js';
import { startRedisCluster } from '../fakes/redis-cluster.js';
import { MASTER_NAME, startSentinel } from '../fakes/redis-sentinel.js';
import { startRedisServer, type RedisServer } from '../fakes/redis-server.js';
import type { Environment } from './daemon.js';
import { busy, startEventFleet, troubled } from './log-event-fleet.js';

const IS_SOAK = lengthOf({ suite: false, soak: true });
const ROUNDS = lengthOf({ suite: 1, soak: 10 });
const SENDERS = 4;
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Longer than a lease. */
const PAUSE_MS = 4_000;
const SDK_MS = lengthOf({ suite: 5_000, soak: 60_000 });
const SHARDS = 16;
const TAKEN_OVER_MS_MAX = 5_000;

function toReach({ port }: RedisServer): Environment {
  return { REDIS_ENTERPRISE_HOST: '127.0.0.1', REDIS_ENTERPRISE_PORT: String(port) };
}

test('three replicas, each of them killed and paused in turn under load of SDKs: nothing accepted is missing, and order holds', async (t) => {
  const redis = await startRedisServer(t, DURABLE);
  const fleet = await startEventFleet(t, 3, { env: toReach(redis) });
  const sdks = (['core', 'legacy'] as const).map((kind) =>
    startLoggingSdk(t, kind, fleet.balancer.url, SDK_MS),
  );
  fleet.load(SENDERS);
  for (let round = 0; round < ROUNDS; round += 1) {
    const [killed, paused] = [round % 3, (round + 1) % 3];
    await fleet.accepted(10);
    await fleet.kill(killed);
    await fleet.accepted(10);
    await fleet.start(killed);
    const { program } = fleet.replica(paused);
    program.signal('SIGSTOP');
    await pause(PAUSE_MS);
    program.signal('SIGCONT');
    await fleet.accepted(10);
  }
  await fleet.endLoad();
  for (const { logged, kind } of sdks) await within(logged, `end of logging by ${kind}`, 120_000);
  await fleet.assertAllArrived();
  t.diagnostic(
    `${fleet.balancer.accepted.length} events accepted, ${fleet.origin.deliveries.length} deliveries`,
  );
});

test('a Redis that is killed while its append-only file is synced always has all that was accepted when it is back', async (t) => {
  const redis = await startRedisServer(t, DURABLE);
  const fleet = await startEventFleet(t, 2, { env: toReach(redis) });
  fleet.load(SENDERS);
  for (let round = 0; round < ROUNDS; round += 1) {
    busy(fleet.origin);
    await fleet.accepted(10);
    await redis.kill();
    await pause(500);
    await redis.startAgain();
    troubled(fleet.origin);
    await fleet.accepted(10);
  }
  await fleet.endLoad();
  await fleet.assertAllArrived();
});

test('a replica whose volume is gone loses nothing', { skip: !IS_SOAK && 'long' }, async (t) => {
  const redis = await startRedisServer(t, DURABLE);
  const fleet = await startEventFleet(t, 2, { env: toReach(redis), hasFolders: true });
  busy(fleet.origin);
  fleet.load(SENDERS);
  await fleet.accepted(40);
  await fleet.kill(0);
  fleet.removeFolder(0);
  await fleet.start(0);
  troubled(fleet.origin);
  await fleet.accepted(10);
  await fleet.endLoad();
  await fleet.assertAllArrived();
});

test(
  'in a cluster and with a failover of sentinels the same holds',
  { skip: !IS_SOAK && 'long' },
  async (t) => {
    const nodes = await startRedisCluster(t, () => DURABLE);
    const [node] = nodes;
    const inCluster = await startEventFleet(t, 2, {
      env: { ...toReach(node ?? assert.fail('no node')), REDIS_CLUSTER: 'true' },
    });
    inCluster.load(SENDERS);
    for (let round = 0; round < ROUNDS; round += 1) {
      await inCluster.accepted(10);
      await inCluster.kill(round % 2);
      await inCluster.start(round % 2);
    }
    await inCluster.endLoad();
    await inCluster.assertAllArrived();
  },
);

test(
  'with a failover that sentinels bring about, all that a replica of Redis had to have is there',
  { skip: !IS_SOAK && 'long' },
  async (t) => {
    const master = await startRedisServer(t, DURABLE);
    await startRedisServer(t, [...DURABLE, '--replicaof', '127.0.0.1', String(master.port)]);
    const client = master.client();
    await eventually('a replica of the master', async () => {
      const info = await client.info('replication');
      return /slave0:.*state=online/.test(info);
    });
    const sentinel = await startSentinel(t, master.port);
    const env = {
      REDIS_ENTERPRISE_HOST: '127.0.0.1',
      REDIS_ENTERPRISE_PORT: String(sentinel),
      REDIS_SENTINEL_NAME: MASTER_NAME,
    };
    const fleet = await startEventFleet(t, 2, { env, args: ['--log-event-min-replicas', '1'] });
    busy(fleet.origin);
    fleet.load(SENDERS);
    await fleet.accepted(40);
    await master.kill();
    await fleet.endLoad();
    troubled(fleet.origin);
    await fleet.assertAllArrived();
  },
);

test(
  'of five replicas, the others take over the shards of one that dies within five seconds',
  { skip: !IS_SOAK && 'long' },
  async (t) => {
    const redis = await startRedisServer(t, DURABLE);
    const client = redis.client();
    const owners = async (): Promise<readonly string[]> => {
      const names = Array.from(
        { length: SHARDS },
        (_none, shard) => `spec-forward-proxy|{log-events|${shard}}|state`,
      );
      return await Promise.all(names.map(async (name) => (await client.hget(name, 'owner')) ?? ''));
    };
    const fleet = await startEventFleet(t, 5, { env: toReach(redis) });
    const isOf = (index: number) => (owner: string) => owner.startsWith(`replica-${index}:`);
    await eventually(
      'shards for all',
      async () => {
        const now = await owners();
        return fleet.replicas.every((_replica, index) => now.filter(isOf(index)).length >= 3);
      },
      60_000,
    );
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const index = round % 5;
      const dead = (await owners()).filter(isOf(index));
      assert.ok(dead.length > 0);
      await fleet.kill(index);
      const startMs = performance.now();
      await eventually(
        'takeover',
        async () => (await owners()).every((owner) => owner !== '' && owner !== dead[0]),
        60_000,
      );
      times.push(Math.round(performance.now() - startMs));
      await fleet.start(index);
      await eventually('shards for all', async () => (await owners()).some(isOf(index)), 60_000);
    }
    t.diagnostic(`taken over within ${times.join(', ')} ms`);
    assert.ok(Math.max(...times) <= TAKEN_OVER_MS_MAX, times.join());
  },
);
