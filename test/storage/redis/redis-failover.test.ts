// When another server becomes the one to write to: by sentinels, behind one address, in a cluster that loses a node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { TIME } from '../../contracts/snapshots-place.js';
import { eventually } from '../../e2e/deadline.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { startRedisCluster } from '../../fakes/redis-cluster.js';
import { MASTER_NAME, startSentinel } from '../../fakes/redis-sentinel.js';
import { freePort } from '../../fakes/free-port.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { clusterAddress, DEMO, openReplica, pass, redisOptions, type Replica } from './redis-scene.js';

const KEY = DEMO.keyOf('secret-failover0123456789');
const LOCALHOST = '127.0.0.1';

async function canSave({ snapshots }: Replica, version: number): Promise<boolean> {
  return (await snapshots.save(KEY, DEMO.payloadOf(version), 0)).kind === 'stored';
}

interface Relay {
  readonly port: number;
  /** Where new connections lead; those there are lead on to where they did. */
  target: number;
  readonly connections: () => number;
}

/** One address, behind which the server may change: as a load balancer has it. */
async function startRelay(t: TestContext, target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    connections += 1;
    const far = connect(relay.target, LOCALHOST);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, LOCALHOST);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const relay: Relay = {
    port: (server.address() as AddressInfo).port,
    target,
    connections: () => connections,
  };
  return relay;
}

test('sentinels lead to the master, and to the next one when it is gone', async (t) => {
  const [master, follower] = [await startRedisServer(t), await startRedisServer(t)];
  const client = follower.client();
  await client.replicaof(LOCALHOST, master.port);
  await eventually('replication', async () =>
    (await client.info('replication')).includes('master_link_status:up'),
  );
  const sentinel = await startSentinel(t, master.port, [
    'requirepass "the watch"',
    `sentinel known-replica ${MASTER_NAME} 127.0.0.1 ${follower.port}`,
  ]);
  const address = {
    kind: 'sentinel',
    masterName: MASTER_NAME,
    // The first one does not answer: it is not to stand in the way.
    sentinels: [
      { host: LOCALHOST, port: await freePort() },
      { host: LOCALHOST, port: sentinel },
    ],
    sentinelUser: '',
    sentinelPassword: 'the watch',
  } as const;
  const replica = await openReplica(t, redisOptions(0, { address }));
  assert.ok(await canSave(replica, TIME), replica.log.text);
  await eventually('the write on the follower', async () => (await client.dbsize()) === 1);
  await master.kill();
  await eventually('a new master', () => canSave(replica, TIME + 1));
  assert.equal((await replica.snapshots.load(KEY)).kind, 'found');
  assert.equal(await client.dbsize(), 1);
  const described = JSON.stringify(replica.describe());
  assert.ok(described.includes(MASTER_NAME) && !described.includes('the watch'), described);
});

test('sentinels that cannot be reached or refuse are told by their reason', async (t) => {
  const master = await startRedisServer(t);
  const sentinel = await startSentinel(t, master.port, ['requirepass "the watch"']);
  const node = { host: LOCALHOST, port: sentinel };
  const address = {
    kind: 'sentinel',
    masterName: MASTER_NAME,
    sentinels: [node],
    sentinelUser: '',
    sentinelPassword: '',
  } as const;
  for (const [changes, reason] of [
    [{ sentinelPassword: 'wrong' }, 'auth_failed'],
    [{}, 'auth_failed'],
    [{ sentinelPassword: 'the watch', masterName: 'unknown' }, 'redis_error'],
    [{ sentinels: [{ host: LOCALHOST, port: await freePort() }] }, 'connection_refused'],
  ] as const) {
    const replica = await openReplica(t, redisOptions(0, { address: { ...address, ...changes } }));
    assert.deepEqual(await replica.snapshots.confirm(KEY, TIME), { kind: 'failed', reason });
    assert.ok(!replica.log.text.includes('the watch'));
  }
});

test('a server behind one address that takes no writes any more is left for the one that does', async (t) => {
  const [old, next] = [await startRedisServer(t), await startRedisServer(t)];
  const relay = await startRelay(t, old.port);
  const replica = await openReplica(t, redisOptions(relay.port));
  assert.ok(await canSave(replica, TIME));
  await old.client().replicaof(LOCALHOST, next.port);
  relay.target = next.port;
  await eventually('a write on the next server', () => canSave(replica, TIME + 1));
  assert.equal(await next.client().dbsize(), 1);
});

test('a server that another has replaced behind its address is left in time, though it goes on answering', async (t) => {
  const [old, next] = [await startRedisServer(t), await startRedisServer(t)];
  const relay = await startRelay(t, old.port);
  const clock = new ManualClock();
  // By the hand-turned clock, which knows nothing of how long a real connection takes.
  const options = redisOptions(relay.port, { connectTimeoutMs: 3_600_000 });
  const replica = await openReplica(t, options, { clock });
  assert.ok(await canSave(replica, TIME));
  relay.target = next.port;
  await pass(clock, old.client(), 620_000);
  await eventually('a write on the next server', () => canSave(replica, TIME + 1));
  assert.equal(await next.client().dbsize(), 1);
  await eventually('no connection to the old one', async () => {
    const list = String(await old.client().client('LIST'));
    return !list.includes('spec-forward-proxy');
  });
  assert.deepEqual(replica.log.lines, [], 'nothing of it is a failure');
});

test('a server that takes no writes for long is not connected to for every write', async (t) => {
  const server = await startRedisServer(t);
  const relay = await startRelay(t, server.port);
  const replica = await openReplica(t, redisOptions(relay.port));
  await server.client().replicaof(LOCALHOST, 1);
  await eventually('all connections', () => relay.connections() === 3);
  for (let times = 0; times < 50; times += 1) {
    const outcome = await replica.snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
    assert.deepEqual(outcome, { kind: 'failed', reason: 'read_only' });
    assert.equal((await replica.snapshots.load(KEY)).kind, 'missing');
  }
  // The renewal of each of the two that carry commands.
  assert.ok(relay.connections() <= 5, `${relay.connections()} connections`);
});

test('a cluster without one of its nodes is down, and used again when the node is back', async (t) => {
  const nodes = await startRedisCluster(t);
  const replica = await openReplica(t, redisOptions(0, { address: clusterAddress(nodes) }));
  const keys = Array.from({ length: 12 }, (_, index) => DEMO.keyOf(`secret-${index}-failover`));
  const saveAll = async (version: number): Promise<string[]> => {
    const outcomes = await Promise.all(
      keys.map((key) => replica.snapshots.save(key, DEMO.payloadOf(version), 0)),
    );
    return outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.reason : outcome.kind));
  };
  assert.deepEqual([...new Set(await saveAll(TIME))], ['stored']);
  await nodes[2]?.kill();
  await eventually('a cluster that is down', async () =>
    (await saveAll(TIME + 1)).every((outcome) => outcome === 'cluster_down' || outcome.startsWith('connec')),
  );
  await eventually('its own word for it', async () => (await saveAll(TIME + 1)).includes('cluster_down'));
  await nodes[2]?.startAgain();
  await eventually('every name', async () =>
    (await saveAll(TIME + 2)).every((outcome) => outcome === 'stored'),
  );
  // Told again only when no node has failed for a while.
  assert.deepEqual(
    replica.log.lines.map(({ level }) => level),
    ['warn'],
  );
});

test('a node of a cluster that hangs costs its own names, and no call more than its deadline', async (t) => {
  // Served on without the one that hangs.
  const nodes = await startRedisCluster(t, () => ['--cluster-require-full-coverage', 'no']);
  const replica = await openReplica(t, redisOptions(0, { address: clusterAddress(nodes) }));
  const keys = Array.from({ length: 12 }, (_, index) => DEMO.keyOf(`secret-${index}-failover`));
  const confirmAll = (): Promise<string[]> =>
    Promise.all(
      keys.map(async (key) => {
        const startMs = performance.now();
        const { kind } = await replica.snapshots.confirm(key, TIME);
        const durationMs = performance.now() - startMs;
        assert.ok(durationMs < 4_000, `${Math.round(durationMs)} ms`);
        return kind;
      }),
    );
  const hanging = nodes[0];
  hanging?.signal('SIGSTOP');
  let worked = 0;
  for (let times = 0; times < 20; times += 1) {
    const kinds = await confirmAll();
    assert.ok(kinds.includes('failed'));
    worked += kinds.filter((kind) => kind === 'behind').length;
  }
  assert.ok(worked > 0, 'the other nodes are used meanwhile');
  hanging?.signal('SIGCONT');
  await eventually('every name', async () => (await confirmAll()).every((kind) => kind === 'behind'));
});
