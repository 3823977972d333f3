// From the disk into the fleet's queue and back: while Redis is away, when there was none before, and when there is to be none any more.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../../../src/domain/clock.js';
import { createConcurrencyLimit } from '../../../../../src/domain/concurrency-limit.js';
import { DataKeys } from '../../../../../src/files/data-keys.js';
import {
  BatchMoved,
  type Arrivals,
  type KeptBatch,
} from '../../../../../src/protocols/statsig/log-events/batch.js';
import { inBackground } from '../../../../../src/observability/in-background.js';
import { DiskKeeper } from '../../../../../src/protocols/statsig/log-events/disk/disk-keeper.js';
import { FleetKeeper } from '../../../../../src/protocols/statsig/log-events/fleet/fleet-keeper.js';
import { LeavingKeeper } from '../../../../../src/protocols/statsig/log-events/fleet/leaving-keeper.js';
import { Spool } from '../../../../../src/protocols/statsig/log-events/fleet/spool.js';
import { QueueRoom, sharedLimits } from '../../../../../src/protocols/statsig/log-events/queue-room.js';
import { plainSealer } from '../../../../../src/protocols/statsig/log-events/sealer.js';
import type { DeliveryOutcome } from '../../../../../src/protocols/statsig/origin/event-origin.js';
import { makeBatch } from '../../../../contracts/batch-keeper-contract.js';
import { eventually } from '../../../../e2e/deadline.js';
import { createTestLog } from '../../../../fakes/log-sink.js';
import { inRealTime, ManualClock } from '../../../../fakes/manual-clock.js';
import { startRedisServer } from '../../../../fakes/redis-server.js';
import { startTcpProxy } from '../../../../fakes/tcp-proxy.js';
import { testUser } from '../../../../fakes/test-user.js';
import { makeFolder } from '../disk/folder.js';
import { openQueue, startReplica, turn, until, type Deliver } from './fleet-scene.js';

const KEY = 'secret-first0123456789';
const TAKEN: DeliveryOutcome = { kind: 'taken' };
const nobody: Arrivals = {
  add: () => undefined,
  withdraw: async () => undefined,
  bury: async () => undefined,
  isKnown: () => true,
};
const quiet = {
  damaged: () => undefined,
  progressNotWritten: () => undefined,
  heldBack: () => undefined,
  notLocked: () => undefined,
  unreadable: () => undefined,
  notOpened: () => undefined,
  spooled: () => undefined,
  unspooled: () => undefined,
  notMoved: () => undefined,
};

function diskKeeper(folder: string): DiskKeeper {
  const dataKeys = new DataKeys(systemClock);
  const options = { folder, user: testUser(), segmentBytes: 10_000, dataKeys };
  return new DiskKeeper(createTestLog(), quiet, createConcurrencyLimit(1), options);
}

function spoolIn(t: TestContext, folder: string, batchesMax = 100): Spool {
  const spool = new Spool(diskKeeper(folder), new QueueRoom({ batchesMax, bytesMax: 1e9 }, () => true));
  t.after(() => spool.close());
  return spool;
}

/** Takes all, and notes the names in their order. */
function taking(): { readonly sent: string[]; readonly deliver: Deliver } {
  const sent: string[] = [];
  const deliver: Deliver = async (_replica, { body }) => {
    sent.push(Buffer.from(body).toString());
    return TAKEN;
  };
  return { sent, deliver };
}

test('while Redis is away batches wait on the disk, and go into it in their order when it is back', async (t) => {
  const server = await startRedisServer(t);
  const proxy = await startTcpProxy(t, server.port);
  const { sent, deliver } = taking();
  const spool = spoolIn(t, makeFolder());
  const replica = await startReplica(t, 'a', { port: proxy.port, spool }, deliver);
  assert.equal((await replica.send(KEY, '1')).kind, 'accepted');
  await until('first delivery', [replica], () => sent.length === 1);
  await proxy.cut();
  for (const name of ['2', '3']) assert.equal((await replica.send(KEY, name)).kind, 'accepted');
  assert.equal(spool.batches, 2);
  assert.equal(
    replica.logs.withMessage('Redis takes no log events: they wait on disk until it does').length,
    1,
  );
  await proxy.heal();
  for (const link of replica.links) await link.open();
  assert.equal((await replica.send(KEY, '4')).kind, 'accepted');
  // One look, and then the clock stands still: an append that takes seconds counts as lost, and is done again.
  await replica.look();
  await eventually('an empty disk', () => spool.isEmpty);
  await until('all of them', [replica], () => sent.length === 4);
  assert.deepEqual(sent, ['1', '2', '3', '4']);
});

test('without a disk there is no 202 while Redis is away', async (t) => {
  const server = await startRedisServer(t);
  const { sent, deliver } = taking();
  const replica = await startReplica(t, 'a', server, deliver);
  await server.kill();
  assert.equal((await replica.send(KEY, '1')).kind, 'not-kept');
  assert.deepEqual(sent, []);
});

test('a Redis that hangs is not waited for: not at a start, and not with a batch', async (t) => {
  const server = await startRedisServer(t);
  const proxy = await startTcpProxy(t, server.port);
  const { queue, links } = openQueue(t, 'a', { port: proxy.port });
  await Promise.all(links.map((link) => link.open()));
  proxy.silence();
  const clock = new ManualClock();
  const world = { clock, log: createTestLog(), queue, sealer: plainSealer, listener: quiet };
  const spooled: unknown[] = [];
  const listener = { ...quiet, spooled: (error: unknown) => void spooled.push(error) };
  const spool = spoolIn(t, makeFolder());
  const limits = sharedLimits({ batchesMax: 100, bytesMax: 1e9 });
  const keeper = new FleetKeeper(world, spool, listener, { shards: 1, limits });
  t.after(() => keeper.close());
  const opening = keeper.open(() => undefined, nobody);
  await inRealTime(clock, opening);
  const keeping = keeper.keep(makeBatch('1', KEY));
  await inRealTime(clock, keeping);
  assert.equal(spool.batches, 1);
  assert.equal(spooled.length, 1);
});

test('a batch that too few replicas of Redis have is not accepted, and those that have it send it', async (t) => {
  const server = await startRedisServer(t);
  const { sent, deliver } = taking();
  const replica = await startReplica(t, 'a', { port: server.port, replicasMin: 1 }, deliver);
  assert.equal((await replica.send(KEY, '1')).kind, 'not-kept');
  await until('its delivery', [replica], () => sent.length === 1);
});

test('with a disk it waits there until enough have it, and what was sent meanwhile is sent again under the same id', async (t) => {
  const server = await startRedisServer(t, ['--repl-diskless-sync-delay', '0']);
  const client = server.client();
  const ids: string[] = [];
  const deliver: Deliver = async (_replica, { batchId }) => {
    ids.push(batchId);
    return TAKEN;
  };
  const spool = spoolIn(t, makeFolder());
  const setting = { port: server.port, replicasMin: 1, shards: 1, spool };
  const replica = await startReplica(t, 'a', setting, deliver);
  assert.equal((await replica.send(KEY, '1')).kind, 'accepted');
  assert.equal(spool.batches, 1);
  await eventually('its delivery', async () => {
    const left = await client.xlen('spec-forward-proxy|{log-events|0}|waits');
    return ids.length === 1 && left === 0;
  });
  await startRedisServer(t, ['--replicaof', '127.0.0.1', String(server.port)]);
  await eventually('a replica of Redis', async () =>
    (await client.info('replication')).includes('state=online'),
  );
  await replica.look();
  await eventually('an empty disk', () => spool.isEmpty);
  await eventually('its second delivery', () => ids.length === 2);
  assert.equal(ids[0], ids[1]);
});

test('a full disk and a full Redis are told as such, and nothing leaves to make room', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const hanging: Deliver = () => new Promise(() => undefined);
  const setting = { port: server.port, batchesMax: 16, knownKeys: [KEY], shards: 1 };
  const replica = await startReplica(t, 'a', setting, hanging);
  const kinds: string[] = [];
  for (let n = 0; n < 20; n += 1) kinds.push((await replica.send(KEY, String(n))).kind);
  const accepted = kinds.filter((kind) => kind === 'accepted').length;
  assert.ok(accepted > 0 && accepted < 16 && kinds.at(-1) === 'full', kinds.join());
  const name = 'spec-forward-proxy|{log-events|0}|waits';
  assert.equal(await client.xlen(name), accepted);
  await client.config('SET', 'maxmemory', '1');
  assert.equal((await replica.send('secret-other0123456789', 'x')).kind, 'not-kept');
  assert.equal(await client.xlen(name), accepted);
});

test('a disk queue of before goes into Redis first', async (t) => {
  const server = await startRedisServer(t);
  const folder = makeFolder();
  const before = diskKeeper(folder);
  await before.open(() => undefined);
  for (const id of ['1', '2']) await before.keep(makeBatch(id, KEY, id));
  await before.close();
  const { sent, deliver } = taking();
  const spool = spoolIn(t, folder);
  const replica = await startReplica(t, 'a', { port: server.port, spool }, deliver);
  assert.equal((await replica.send(KEY, '3')).kind, 'accepted');
  await replica.look();
  await eventually('an empty disk', () => spool.isEmpty);
  await until('all of them', [replica], () => sent.length === 3);
  assert.deepEqual(sent, ['1', '2', '3']);
});

test('where Redis is left, what another replica sends of a shard goes before what is kept here', async (t) => {
  const server = await startRedisServer(t);
  const hanging: Deliver = () => new Promise(() => undefined);
  const owner = await startReplica(t, 'a', { port: server.port, shards: 1 }, hanging);
  await until('ownership', [owner], () => owner.owned.length === 1);
  assert.equal((await owner.send(KEY, '1')).kind, 'accepted');
  // Looked at every second: what is kept here waits a minute at most.
  const { queue, links } = openQueue(t, 'b', { port: server.port, leaseMs: 3_000 });
  await Promise.all(links.map((link) => link.open()));
  assert.equal(await queue.wasUsed(), true);
  const clock = new ManualClock();
  const world = { clock, log: createTestLog(), queue, sealer: plainSealer, listener: quiet };
  const keeper = new LeavingKeeper(world, diskKeeper(makeFolder()));
  t.after(() => keeper.close());
  const arrived: KeptBatch[] = [];
  const arrivals: Arrivals = {
    ...nobody,
    add: (batches) => void arrived.push(...batches),
    // What is on its way does not end.
    withdraw: () => new Promise(() => undefined),
  };
  await keeper.open(() => undefined, arrivals);
  const kept = await keeper.keep(makeBatch('2', KEY));
  await assert.rejects(kept.read(), { name: 'BatchMoved' });
  owner.kill();
  const client = server.client();
  await client.del('spec-forward-proxy|{log-events|fleet}|replicas');
  await client.hset('spec-forward-proxy|{log-events|0}|state', 'until', '1');
  for (let looks = 0; looks < 50 && arrived.length === 0; looks += 1) {
    clock.advance(1_000);
    await turn();
  }
  assert.deepEqual((await arrived[0]?.read())?.body.toString(), '1');
  assert.equal((await kept.read()).id, '2');
  inBackground(keeper.handOver(), createTestLog());
  await eventually('a shard that is left', async () => {
    await turn();
    return kept.read().then(
      () => false,
      (error: unknown) => error instanceof BatchMoved,
    );
  });
});
