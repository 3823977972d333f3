// The fleet's queue in a real Redis: order, owners, and what becomes of a batch when one of them is gone, paused or cut off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Redis } from 'ioredis';
import { failed } from '../../../../../src/domain/failure.js';
import type { DeliveryOutcome } from '../../../../../src/protocols/statsig/origin/event-origin.js';
import { startRedisServer } from '../../../../fakes/redis-server.js';
import { startTcpProxy } from '../../../../fakes/tcp-proxy.js';
import { startReplica, turn, until, type Deliver, type FleetReplica } from './fleet-scene.js';

const KEYS = ['secret-one0123456789', 'secret-two0123456789', 'secret-three0123456789'];
const TAKEN: DeliveryOutcome = { kind: 'taken' };

function names(log: readonly string[], sdkKey: string): readonly string[] {
  return log.filter((each) => each.startsWith(sdkKey)).map((each) => each.slice(sdkKey.length + 1));
}

test('a batch that one replica accepts is sent by the owner of its shard, per key in order', async (t) => {
  const server = await startRedisServer(t);
  const sent: string[] = [];
  const deliver: Deliver = async (_replica, { sdkKey, body }) => {
    sent.push(`${sdkKey} ${Buffer.from(body).toString()}`);
    return TAKEN;
  };
  const replicas: FleetReplica[] = [];
  for (const name of ['a', 'b', 'c']) replicas.push(await startReplica(t, name, server, deliver));
  await until('fair shares of all four shards', replicas, () => {
    const shares = replicas.map(({ owned }) => owned);
    return shares.every((owned) => owned.length >= 1) && shares.flat().length === 4;
  });
  for (let n = 0; n < 30; n += 1) {
    for (const sdkKey of KEYS) {
      const acceptance = await (replicas[n % 3] as FleetReplica).send(sdkKey, String(n));
      assert.equal(acceptance.kind, 'accepted');
    }
  }
  await until('all of them', replicas, () => sent.length >= 90);
  const wanted = Array.from({ length: 30 }, (_none, n) => String(n));
  for (const sdkKey of KEYS) assert.deepEqual(names(sent, sdkKey), wanted);
});

test('a replica that dies leaves its shards to the others, with what it had in hand', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const sent: [string, string][] = [];
  let isHanging = true;
  const deliver: Deliver = (replica, { batchId, body }) => {
    sent.push([batchId, Buffer.from(body).toString()]);
    return replica === 'a' && isHanging ? new Promise(() => undefined) : Promise.resolve(TAKEN);
  };
  const first = await startReplica(t, 'a', server, deliver);
  for (const name of ['1', '2', '3']) await first.send(KEYS[0] as string, name);
  await until('first delivery', [first], () => sent.length === 1);
  const second = await startReplica(t, 'b', server, deliver);
  first.kill();
  isHanging = false;
  await until('look without shards', [second], () => second.keeper.fleet?.instances.length === 2);
  assert.equal(sent.length, 1);
  await endLeases(client, 'a');
  await until('all of them', [second], () => sent.length === 4);
  assert.deepEqual(
    sent.map(([, name]) => name),
    ['1', '1', '2', '3'],
  );
  assert.equal(sent[0]?.[0], sent[1]?.[0]);
  await until('an empty queue', [second], async () => (await client.keys('*bodies')).length === 0);
});

test('an owner that was paused for longer than its lease sends, takes out and buries nothing when it wakes', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const deliver: Deliver = (replica, { body }) => {
    sent.push(`${replica} ${Buffer.from(body).toString()}`);
    if (replica === 'b') return Promise.resolve(TAKEN);
    return new Promise((resolve) => {
      answers.push(() => {
        resolve(TAKEN);
      });
    });
  };
  const paused = await startReplica(t, 'a', server, deliver);
  for (const name of ['1', '2']) await paused.send(KEYS[0] as string, name);
  await until('first delivery', [paused], () => sent.length === 1);
  // Its clock stands still, and with it all that it would do by itself.
  await endLeases(client, 'a');
  const other = await startReplica(t, 'b', { ...server, shards: 4 }, deliver);
  await until('delivery by the other', [other], () => sent.length === 3);
  assert.deepEqual(sent, ['a 1', 'b 1', 'b 2']);
  await other.send(KEYS[0] as string, '3');
  await until('delivery of the next', [other], () => sent.length === 4);
  // By its own clock the lease still lasts: what keeps it from sending the second is Redis.
  answers[0]?.();
  await turn();
  await until('loss of its shards', [paused], () => paused.store.room.batches === 0);
  assert.deepEqual(sent, ['a 1', 'b 1', 'b 2', 'b 3']);
  assert.equal(paused.store.counters.total.dead, 0);
  assert.deepEqual(await waiting(client), []);
});

test('a replica that joins gets its share once nothing of it is on its way, and one that stops leaves all at once', async (t) => {
  const server = await startRedisServer(t);
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const deliver: Deliver = (_replica, { body }) => {
    sent.push(Buffer.from(body).toString());
    return new Promise((resolve) => {
      answers.push(() => {
        resolve(TAKEN);
      });
    });
  };
  const first = await startReplica(t, 'a', server, deliver);
  await until('all shards', [first], () => first.owned.length === 4);
  for (const sdkKey of KEYS) for (const name of ['1', '2']) await first.send(sdkKey, `${sdkKey} ${name}`);
  await until('first deliveries', [first], () => sent.length === 3);
  const second = await startReplica(t, 'b', server, deliver);
  const both = [first, second];
  await until('the other one seen', both, () => first.keeper.fleet?.instances.length === 2);
  for (const [look, name] of ['3', '4', '5'].entries()) {
    for (const each of both) await each.look();
    for (const sdkKey of KEYS) await (both[look % 2] as FleetReplica).send(sdkKey, `${sdkKey} ${name}`);
  }
  for (const each of both) await each.look();
  // Nothing is sent a second time while it is on its way, and nothing that came meanwhile beside it.
  assert.equal(sent.length, 3);
  for (const answer of answers.splice(0)) answer();
  await until('fair shares', both, () => both.every(({ owned }) => owned.length === 2));
  await until('second deliveries', both, () => sent.length === 6);
  const stopping = first.store.flush();
  await until('answers', both, () => {
    for (const answer of answers.splice(0)) answer();
    return second.owned.length === 4;
  });
  await until('end of the first', both, async () => {
    await Promise.race([stopping, turn()]);
    return first.owned.length === 0;
  });
  await until('all the others', both, () => {
    for (const answer of answers.splice(0)) answer();
    return sent.length >= 15;
  });
  for (const sdkKey of KEYS) assert.deepEqual(names(sent, sdkKey), ['1', '2', '3', '4', '5']);
});

test('a queue that cannot be read for a while does not change the order of what waits in it', async (t) => {
  const server = await startRedisServer(t);
  const proxy = await startTcpProxy(t, () => server.port);
  const sent: string[] = [];
  let outcome: DeliveryOutcome = failed('status_500', 'HTTP status 500');
  const deliver: Deliver = async (_replica, { body }) => {
    sent.push(Buffer.from(body).toString());
    return outcome;
  };
  const owner = await startReplica(t, 'a', { port: proxy.port }, deliver);
  for (const name of ['1', '2', '3']) await owner.send(KEYS[0] as string, name);
  await until('first delivery', [owner], () => sent.length > 0);
  await proxy.cut();
  for (let second = 0; second < 60; second += 1) {
    owner.clock.advance(1_000);
    await turn();
  }
  const [lane] = owner.store.forwarder.lanes.values();
  assert.equal(lane?.reason, 'not_read');
  outcome = TAKEN;
  await proxy.heal();
  for (const link of owner.links) await link.open();
  await until('all of them', [owner], () => owner.store.counters.total.forwarded === 3);
  // The first was tried before as well.
  assert.deepEqual([...new Set(sent)], ['1', '2', '3']);
});

/** As if the time of the leases that this replica holds, and of its last look, were over. */
async function endLeases(client: Redis, instance: string): Promise<void> {
  await client.zrem('spec-forward-proxy|{log-events|fleet}|replicas', instance);
  for (const name of await client.keys('*|state')) {
    if ((await client.hget(name, 'owner')) === instance) await client.hset(name, 'until', '1');
  }
}

/** The ids of all that waits. */
async function waiting(client: Redis): Promise<readonly string[]> {
  const streams = await client.keys('*|waits');
  const entries = await Promise.all(streams.map((name) => client.xrange(name, '-', '+')));
  return entries.flat().map(([, fields]) => fields[1] ?? '');
}
