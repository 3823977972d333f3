// The lease of the leader: taken, prolonged, lost, given back; never held longer than it lasts, whatever cannot be reached.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import type { RedisCommands } from '../../../src/storage/redis/redis-commands.js';
import { RedisFault } from '../../../src/storage/redis/redis-fault.js';
import { RedisLease } from '../../../src/storage/redis/redis-lease.js';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { eventually } from '../../e2e/deadline.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { startRedisServer, type RedisServer } from '../../fakes/redis-server.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import { openReplica, openRoom, pass, redisOptions, type Replica } from './redis-scene.js';

const LEASE = 'statsig_forward_proxy::leader';
const TTL_MS = 70_000;
/** A little more than a third: sums of steps are not exact. */
const THIRD_MS = TTL_MS / 3 + 1;
const STEP_MS = 400;

interface Member extends Replica {
  readonly clock: ManualClock;
  readonly id: string;
  /** How often leadership began. */
  readonly leads: () => number;
}

async function joinFleet(
  t: TestContext,
  server: RedisServer,
  instanceName: string,
  changes: Partial<RedisOptions> = {},
): Promise<Member> {
  const clock = new ManualClock();
  const options = redisOptions(server.port, { instanceName, leaseTtlMs: TTL_MS, ...changes });
  const replica = await openReplica(t, options, { clock });
  let leads = 0;
  replica.fleet.join({
    stored: () => undefined,
    reachable: () => undefined,
    lead: () => {
      leads += 1;
    },
  });
  const { instanceId } = replica.describe() as { readonly instanceId: string };
  return { ...replica, clock, id: instanceId, leads: () => leads };
}

/** Until it knows who leads, itself or another. */
function untilKnown({ fleet }: Member): Promise<void> {
  return eventually('a leader that is known', () => fleet.leader !== undefined);
}

/** The answer to what a clock's tick sends comes some moments later. */
async function untilPttl(client: Redis, atLeastMs: number): Promise<void> {
  await eventually(`a lease of ${atLeastMs} ms`, async () => (await client.pttl(LEASE)) >= atLeastMs);
}

test('who comes first leads, with an end to it set in the same step', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const first = await joinFleet(t, server, 'first');
  await untilKnown(first);
  assert.equal(first.fleet.isLeader, true);
  assert.equal(first.leads(), 1);
  assert.match(first.id, /^first:[0-9a-f-]{36}$/);
  assert.equal(await client.get(LEASE), first.id);
  const leftMs = await client.pttl(LEASE);
  assert.ok(leftMs > TTL_MS - 10_000 && leftMs <= TTL_MS, `${leftMs} ms`);
  const second = await joinFleet(t, server, 'second');
  await untilKnown(second);
  assert.equal(second.fleet.isLeader, false);
  assert.equal(second.fleet.leader, first.id);
  assert.equal(second.leads(), 0);
});

test('a leader prolongs its lease at a third of its time', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  for (let times = 0; times < 6; times += 1) {
    await client.pexpire(LEASE, 50_000);
    await pass(leader.clock, client, THIRD_MS);
    await untilPttl(client, TTL_MS - 10_000);
    assert.equal(leader.fleet.isLeader, true);
  }
  assert.equal(leader.leads(), 1);
});

test('a leader that stops gives the lease back, and another has it at once', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  const follower = await joinFleet(t, server, 'follower');
  await untilKnown(follower);
  await eventually('two listeners', async () =>
    String(await client.pubsub('NUMSUB', 'spec-forward-proxy::updates')).endsWith(',2'),
  );
  await leader.fleet.leave();
  assert.equal(leader.fleet.isLeader, false);
  // The follower's clock stands still: it is the message that tells.
  await eventually('a new leader', () => follower.fleet.isLeader);
  assert.equal(follower.leads(), 1);
  assert.equal(await client.get(LEASE), follower.id);
});

test('a follower that stops gives nothing back', async (t) => {
  const server = await startRedisServer(t);
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  const follower = await joinFleet(t, server, 'follower');
  await untilKnown(follower);
  await follower.close();
  assert.equal(await server.client().get(LEASE), leader.id);
});

test('a lease that nobody prolongs is taken by who tries next', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await client.set(LEASE, 'gone', 'PX', 60_000);
  const follower = await joinFleet(t, server, 'follower', { attemptIntervalMs: 10_000 });
  await untilKnown(follower);
  // Only now: it would take at once a lease that ended while it joined.
  await client.pexpire(LEASE, 50);
  await eventually('an end', async () => (await client.exists(LEASE)) === 0);
  await pass(follower.clock, client, 10_000);
  await eventually('a new leader', () => follower.fleet.isLeader);
});

test('a leader that was paused for longer than its lease finds out, and follows', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const paused = await joinFleet(t, server, 'paused');
  await untilKnown(paused);
  await client.set(LEASE, 'another:1', 'PX', TTL_MS);
  // Its clock went on meanwhile.
  paused.clock.advance(TTL_MS);
  assert.equal(paused.fleet.isLeader, false, 'before it has asked anybody');
  await eventually('word of the other', async () => {
    await pass(paused.clock, client, STEP_MS);
    return paused.fleet.leader === 'another:1';
  });
  assert.equal(await client.get(LEASE), 'another:1');
  assert.equal(paused.leads(), 1);
});

test('a leader whose lock was deleted takes it again at its next renewal', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  await client.flushall();
  await pass(leader.clock, client, THIRD_MS);
  await untilPttl(client, 1);
  assert.equal(await client.get(LEASE), leader.id);
});

test('out of reach of Redis a leader leads until its lease ends by its own clock, and not a moment longer', async (t) => {
  const server = await startRedisServer(t);
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  await server.kill();
  leader.clock.advance(TTL_MS - 1);
  assert.equal(leader.fleet.isLeader, true);
  leader.clock.advance(1);
  assert.equal(leader.fleet.isLeader, false);
  await server.startAgain();
  await eventually('leadership', () => {
    leader.clock.advance(STEP_MS);
    return leader.fleet.isLeader;
  });
  assert.equal(leader.leads(), 2, 'it begins anew');
});

test('a lease that is still ours when Redis is back is prolonged, and leadership goes on', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  await client.pexpire(LEASE, 5_000);
  // All connections are lost but this one, and made anew at once.
  await client.call('CLIENT', ['KILL', 'TYPE', 'normal']);
  await eventually('a lease that was prolonged', async () => {
    leader.clock.advance(50);
    return (await client.pttl(LEASE)) > TTL_MS - 10_000;
  });
  assert.equal(leader.leads(), 1);
});

test('a lock without an end is given one, and is not taken from who holds it', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await client.set(LEASE, 'sfp-without-an-end');
  const follower = await joinFleet(t, server, 'follower');
  await untilPttl(client, 1);
  assert.ok((await client.pttl(LEASE)) <= TTL_MS);
  assert.equal(await client.get(LEASE), 'sfp-without-an-end');
  await untilKnown(follower);
  assert.equal(follower.fleet.leader, 'sfp-without-an-end');
  await client.pexpire(LEASE, 30_000);
  await pass(follower.clock, client, 10_000);
  await eventually('a second look', async () => Number(await client.object('IDLETIME', LEASE)) < 5);
  assert.ok((await client.pttl(LEASE)) <= 30_000, 'a lock with an end is let be');
});

test('a lock of another kind is told, and nobody leads', async (t) => {
  const server = await startRedisServer(t);
  await server.client().rpush(LEASE, 'not a lock');
  const member = await joinFleet(t, server, 'member');
  await eventually('a line', () => member.log.lines.length > 0);
  assert.equal(member.log.lines[0]?.['use'], 'lead');
  assert.equal(member.log.lines[0]['detail'], 'WRONGTYPE');
  assert.equal(member.fleet.isLeader, false);
});

test('a Redis without memory keeps its leader, and others learn who it is', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const leader = await joinFleet(t, server, 'leader');
  await untilKnown(leader);
  await client.config('SET', 'maxmemory', 1);
  await client.pexpire(LEASE, 50_000);
  await pass(leader.clock, client, THIRD_MS);
  await untilPttl(client, TTL_MS - 10_000);
  const follower = await joinFleet(t, server, 'follower');
  await untilKnown(follower);
  assert.equal(follower.fleet.leader, leader.id);
  assert.deepEqual(
    follower.log.lines.map(({ use, reason }) => ({ use, reason })),
    [{ use: 'write', reason: 'out_of_memory' }],
  );
  await client.config('SET', 'maxmemory', 0);
  await pass(follower.clock, client, 40_000);
  await eventually('a second line', () => follower.log.lines.length === 2);
  assert.equal(follower.log.lines[1]?.['msg'], 'redis accepts writes again');
});

test('of many who try at once, one leads', async (t) => {
  const server = await startRedisServer(t);
  const members = await Promise.all(
    Array.from({ length: 6 }, (_, index) => joinFleet(t, server, `member-${index}`)),
  );
  await Promise.all(members.map(untilKnown));
  for (let left = members; left.length > 0;) {
    await eventually('one leader', () => {
      for (const { clock } of left) clock.advance(10);
      return left.filter(({ fleet }) => fleet.isLeader).length === 1;
    });
    const leader = left.find(({ fleet }) => fleet.isLeader);
    assert.equal(await server.client().get(LEASE), leader?.id);
    await leader?.fleet.leave();
    left = left.filter((member) => member !== leader);
  }
  assert.equal(await server.client().exists(LEASE), 0);
});

test('a lease that was taken without an answer is given back all the same', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const options = redisOptions(server.port);
  const { commands } = await openRoom(t, options);
  const lost = {
    send: async (...args: Parameters<RedisCommands['send']>) => {
      await commands.send(...args);
      throw new RedisFault('command_timeout');
    },
    run: (...args: Parameters<RedisCommands['run']>) => commands.run(...args),
  } as unknown as RedisCommands;
  for (const holder of [undefined, 'another:1']) {
    if (holder !== undefined) await client.set(LEASE, holder, 'PX', TTL_MS);
    const lease = new RedisLease(new ManualClock(), lost, new RedisNames(options), {
      ...options,
      instanceId: 'member:1',
    });
    const before = await setCalls(client);
    lease.join(() => undefined);
    await eventually('an attempt', async () => (await setCalls(client)) > before);
    await lease.leave();
    assert.equal(lease.isLeader, false);
    assert.equal(await client.get(LEASE), holder ?? null);
  }
});

test('thousands who say that they resigned have an attempt in a tenth of a second, and none is lost', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  await client.set(LEASE, 'another:1', 'PX', TTL_MS);
  const member = await joinFleet(t, server, 'member');
  await untilKnown(member);
  await eventually('a listener', async () =>
    String(await client.pubsub('NUMSUB', 'spec-forward-proxy::updates')).endsWith(',1'),
  );
  const before = await setCalls(client);
  const heard = (): number => (member.describe() as { messages: { heard: number } }).messages.heard;
  const resign = async (times: number): Promise<void> => {
    const expected = heard() + times;
    for (let time = 0; time < times; time += 1) {
      void client.publish('spec-forward-proxy::updates', '{"resigned":"another:1"}');
    }
    await eventually('every message', () => heard() === expected);
    await client.ping();
  };
  await resign(1_000);
  await eventually('an attempt', async () => (await setCalls(client)) === before + 1);
  await client.del(LEASE);
  await resign(1_000);
  assert.equal(await setCalls(client), before + 1);
  member.clock.advance(99);
  await resign(10);
  assert.equal(await setCalls(client), before + 1);
  member.clock.advance(1);
  await eventually('leadership', () => member.fleet.isLeader);
  assert.equal(await setCalls(client), before + 2);
});

/** How often anybody tried to take it. */
async function setCalls(client: Redis): Promise<number> {
  return Number(/cmdstat_set:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
}
