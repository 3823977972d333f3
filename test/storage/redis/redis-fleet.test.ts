// The fleet in Redis: what one stores the others hear of and see, whatever is said on the channel, and after any loss.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import type { PayloadKey } from '../../../src/domain/payload-key.js';
import type { EntryState } from '../../../src/storage/fleet-link.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { eventually } from '../../e2e/deadline.js';
import { DEMO_PAYLOADS } from '../../fakes/demo-payloads.js';
import { startRedisCluster } from '../../fakes/redis-cluster.js';
import { onFreePort } from '../../fakes/free-port.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { clusterAddress, DEMO, openReplica, redisOptions, type Replica } from './redis-scene.js';

const CHANNEL = 'spec-forward-proxy::updates';
const SDK_KEY = 'secret-fleet0123456789abcdef';
const KEY = DEMO.keyOf(SDK_KEY);

interface Member extends Replica {
  /** `<entry name> <version>` for each update heard of. */
  readonly heard: string[];
  /** How often Redis could be reached again. */
  readonly reached: () => number;
}

async function join(t: TestContext, options: RedisOptions): Promise<Member> {
  const replica = await openReplica(t, options);
  const heard: string[] = [];
  let reached = 0;
  replica.fleet.join({
    lead: () => undefined,
    stored: (entryName, version) => heard.push(`${entryName} ${version}`),
    reachable: () => {
      reached += 1;
    },
  });
  return { ...replica, heard, reached: () => reached };
}

/** Messages that come before anybody listens are lost. */
async function untilListening(client: Redis, listeners: number): Promise<void> {
  await eventually(`${listeners} who listen`, async () => {
    const [, count] = await client.pubsub('NUMSUB', CHANNEL);
    return Number(count) === listeners;
  });
}

function messagesOf(replica: Replica): { readonly heard: number; readonly ignored: number } {
  return (replica.describe() as { readonly messages: { heard: number; ignored: number } }).messages;
}

test('what one stores the others hear of, whatever names it has there; the one itself does not', async (t) => {
  const server = await startRedisServer(t);
  for (const changes of [{}, { keySchema: 'prefix' as const, doubleWriteLegacyKey: true }]) {
    const writer = await join(t, redisOptions(server.port, { instanceName: 'writer', ...changes }));
    const others = [await join(t, redisOptions(server.port)), await join(t, redisOptions(server.port))];
    await untilListening(server.client(), 3);
    for (const each of DEMO_PAYLOADS) {
      const key = each.keyOf(`secret-${DEMO_PAYLOADS.indexOf(each)}-fleet0123456789`);
      await writer.snapshots.save(key, each.payloadOf(TIME), 0);
      for (const other of others) {
        const line = `${other.fleet.entryName(key)} ${TIME}`;
        await eventually('word of it', () => other.heard.at(-1) === line);
        assert.ok(!line.includes(key.sdkKey));
      }
    }
    assert.equal(
      others[0]?.heard.length,
      DEMO_PAYLOADS.length,
      'one message for each, and none for a mirror',
    );
    assert.deepEqual(writer.heard, []);
    for (const member of [writer, ...others]) await member.close();
    await server.client().flushall();
  }
});

test('only what is new is told: no confirmation, no older version, no version stored again', async (t) => {
  const server = await startRedisServer(t);
  const [writer, other] = [
    await join(t, redisOptions(server.port)),
    await join(t, redisOptions(server.port)),
  ];
  await untilListening(server.client(), 2);
  await writer.snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
  await writer.snapshots.confirm(KEY, TIME);
  await writer.snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
  await writer.snapshots.save(KEY, DEMO.payloadOf(TIME - 1), 0);
  await server.client().hdel(new RedisNames(redisOptions(0)).of(KEY).entry, 'sfp_version');
  await writer.snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
  await writer.snapshots.save(KEY, DEMO.payloadOf(TIME + 1), 0);
  await eventually('the last message', () => other.heard.length >= 2);
  const name = other.fleet.entryName(KEY);
  assert.deepEqual(other.heard, [`${name} ${TIME}`, `${name} ${TIME + 1}`]);
});

test('what strangers say on the channel is counted, and nothing else', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const member = await join(t, redisOptions(server.port));
  await untilListening(client, 1);
  const noise = ['', 'hello', '{}', '[]', 'null', '{"resigned":1}', '\u0000\uffff', 'x'.repeat(1_000_000)];
  for (const text of noise) await client.publish(CHANNEL, text);
  await client.publish(CHANNEL, Buffer.from([0xff, 0xfe, 0x00]));
  await eventually('every message', () => messagesOf(member).ignored === noise.length + 1);
  for (let times = 0; times < 200; times += 1) await client.publish(CHANNEL, '{"resigned":"nobody"}');
  await eventually('every resignation', () => messagesOf(member).heard === 200);
  assert.deepEqual(member.heard, []);
  assert.deepEqual(member.log.lines, []);
});

test('who lost the channel listens again, and is told that messages may be missing', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const [writer, other] = [
    await join(t, redisOptions(server.port)),
    await join(t, redisOptions(server.port)),
  ];
  await untilListening(client, 2);
  const before = other.reached();
  await client.call('CLIENT', ['KILL', 'TYPE', 'pubsub']);
  await eventually('word that it is reachable', () => other.reached() > before);
  await untilListening(client, 2);
  await writer.snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
  await eventually('word of an update', () => other.heard.length === 1);
  assert.deepEqual(other.log.lines, [], 'a connection that was made anew at once is no failure');
});

test('when Redis is back it is told once all can be done again', async (t) => {
  const server = await startRedisServer(t);
  const member = await join(t, redisOptions(server.port));
  let saved: Promise<unknown> | undefined;
  await server.kill();
  await eventually('a failure', () => member.log.lines.length > 0);
  const replica = await openReplica(t, redisOptions(server.port));
  replica.fleet.join({
    lead: () => undefined,
    stored: () => undefined,
    reachable: () => {
      saved ??= replica.snapshots.save(KEY, DEMO.payloadOf(TIME), 0);
    },
  });
  await server.startAgain();
  await eventually('word of it', () => saved !== undefined);
  assert.deepEqual(await saved, { kind: 'stored' });
});

test('the states of all payloads come in their order, with nothing for what is of no use', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const options = redisOptions(server.port);
  const names = new RedisNames(options);
  const [ours, theirs] = [await openReplica(t, options), await openReplica(t, options)];
  const keys: PayloadKey[] = Array.from({ length: 700 }, (_, index) => DEMO.keyOf(`${SDK_KEY}-${index}`));
  const [byUs, byThem, bySfp, wrong, foreign] = keys as [
    PayloadKey,
    PayloadKey,
    PayloadKey,
    PayloadKey,
    PayloadKey,
  ];
  await ours.snapshots.save(byUs, DEMO.payloadOf(TIME), 0);
  await theirs.snapshots.save(byThem, DEMO.payloadOf(TIME + 1), 0);
  await client.hincrby(names.of(byThem).entry, 'sfp_confirmed', -60_000);
  await client.hset(names.of(bySfp).entry, { lcut: TIME + 2, config: '{}' });
  await client.set(names.of(wrong).entry, 'a string');
  await client.hset(names.of(foreign).entry, { colour: 'blue' });
  const last = keys[699];
  assert.ok(last !== undefined);
  await ours.snapshots.save(last, DEMO.payloadOf(TIME + 3), 0);
  const states = await ours.fleet.states(keys);
  assert.ok(states?.length === 700);
  assert.deepEqual(
    states.map((state) => state?.version),
    [TIME, TIME + 1, TIME + 2, ...Array.from({ length: 696 }, () => undefined), TIME + 3],
  );
  const [first, second, third] = states as [EntryState, EntryState, EntryState];
  assert.ok(first.confirmedAgoMs < 30_000);
  assert.equal(first.isConfirmedByUs, true);
  assert.ok(second.confirmedAgoMs >= 60_000 && second.confirmedAgoMs < 90_000, `${second.confirmedAgoMs} ms`);
  assert.equal(second.isConfirmedByUs, false);
  assert.deepEqual(third, { version: TIME + 2, confirmedAgoMs: Infinity, isConfirmedByUs: false });
  await theirs.snapshots.confirm(byUs, TIME);
  assert.equal((await ours.fleet.states([byUs]))?.[0]?.isConfirmedByUs, false, 'they were the last');
  assert.deepEqual(await ours.fleet.states([]), []);
});

test("under a shared name a stranger's entry has no state", async (t) => {
  const server = await startRedisServer(t);
  const { snapshots, fleet } = await openReplica(t, redisOptions(server.port, { keySchema: 'prefix' }));
  const [key, neighbour] = [DEMO.keyOf(`${SDK_KEY}-a`), DEMO.keyOf(`${SDK_KEY}-b`)];
  await snapshots.save(key, DEMO.payloadOf(TIME), 0);
  const states = await fleet.states([neighbour, key]);
  assert.deepEqual(
    states?.map((state) => state?.version),
    [undefined, TIME],
  );
});

test('states of thousands are asked for in few commands', async (t) => {
  const server = await startRedisServer(t);
  const client = server.client();
  const { fleet } = await openReplica(t, redisOptions(server.port));
  const keys = Array.from({ length: 3_000 }, (_, index) => DEMO.keyOf(`${SDK_KEY}-${index}`));
  await client.config('RESETSTAT');
  assert.equal((await fleet.states(keys))?.length, 3_000);
  const stats = await client.info('commandstats');
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count));
  assert.deepEqual(
    calls.sort((a, b) => a - b),
    [1, 29],
    'a hundred names with each, and the script as text only once',
  );
});

test('states of thousands that Redis does not live to tell are none', async (t) => {
  for (const start of [
    async () => {
      const server = await startRedisServer(t);
      return { servers: [server], options: redisOptions(server.port) };
    },
    async () => {
      const servers = await startRedisCluster(t);
      return { servers, options: redisOptions(0, { address: clusterAddress(servers) }) };
    },
  ]) {
    const { servers, options } = await start();
    const { fleet } = await openReplica(t, options);
    const keys = Array.from({ length: 3_000 }, (_, index) => DEMO.keyOf(`${SDK_KEY}-${index}`));
    const asking = fleet.states(keys);
    for (const server of servers) server.signal('SIGKILL');
    assert.equal(await asking, undefined);
  }
});

test('over a cluster states, messages and the lease are the same', async (t) => {
  const nodes = await startRedisCluster(t);
  const options = redisOptions(0, { address: clusterAddress(nodes), doubleWriteLegacyKey: true });
  const [writer, other] = [await join(t, options), await join(t, options)];
  const clients = nodes.map((node) => node.client());
  await eventually('two who listen', async () => {
    const counts = await Promise.all(clients.map((client) => client.pubsub('NUMSUB', CHANNEL)));
    return counts.reduce((sum, [, count]) => sum + Number(count), 0) === 2;
  });
  const keys = Array.from({ length: 30 }, (_, index) => DEMO.keyOf(`${SDK_KEY}-${index}`));
  const unknown = Array.from({ length: 2_100 }, (_, index) => DEMO.keyOf(`secret-unknown-${index}`));
  for (const [index, key] of keys.entries())
    await writer.snapshots.save(key, DEMO.payloadOf(TIME + index), 0);
  const states = await other.fleet.states([...unknown, ...keys, DEMO.keyOf(SDK_KEY)]);
  assert.deepEqual(
    states?.map((state) => state?.version),
    [...unknown.map(() => undefined), ...keys.map((_, index) => TIME + index), undefined],
  );
  await eventually('every message', () => other.heard.length === keys.length);
  // ioredis' cluster client would open one more, in its own way, if it were told to subscribe.
  const lists = await Promise.all(clients.map((client) => client.client('LIST')));
  const names = lists.flatMap((list) => [...String(list).matchAll(/ name=(\S+)/g)].map(([, name]) => name));
  assert.deepEqual([...new Set(names)], ['spec-forward-proxy']);
  const sizes = await Promise.all(clients.map((client) => client.dbsize()));
  assert.ok(
    sizes.every((size) => size > 0),
    `names on every node: ${sizes.join(', ')}`,
  );
  await eventually('one leader', () => writer.fleet.isLeader !== other.fleet.isLeader);
  const [leader, follower] = writer.fleet.isLeader ? [writer, other] : [other, writer];
  await leader.fleet.leave();
  await eventually('another leader', () => follower.fleet.isLeader);
});

test('a cluster behind one address is asked for one name at a time, once it has said that it is one', async (t) => {
  const server = await onFreePort((busPort) =>
    startRedisServer(t, ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)]),
  );
  const client = server.client();
  await client.cluster('ADDSLOTSRANGE', 0, 16_383);
  await eventually('a cluster', async () => (await client.cluster('INFO')).includes('cluster_state:ok'));
  const keys = Array.from({ length: 300 }, (_, index) => DEMO.keyOf(`${SDK_KEY}-${index}`));
  const options = redisOptions(server.port, { doubleWriteLegacyKey: true });
  const [looking, writing] = [await openReplica(t, options), await openReplica(t, options)];
  const firstLooks = await Promise.all([looking.fleet.states(keys), looking.fleet.states(keys)]);
  for (const states of firstLooks) assert.equal(states?.length, 300);
  const stored = await Promise.all(keys.map((key) => writing.snapshots.save(key, DEMO.payloadOf(TIME), 0)));
  assert.ok(stored.every(({ kind }) => kind === 'stored'));
  assert.equal((await looking.fleet.states(keys))?.filter((state) => state?.version === TIME).length, 300);
  assert.deepEqual(await writing.snapshots.remove(KEY), { kind: 'missing' });
  const refusals = async (): Promise<string | undefined> =>
    /errorstat_CROSSSLOT:count=(\d+)/.exec(await client.info('errorstats'))?.[1];
  const before = await refusals();
  assert.ok(before !== undefined, 'it was asked for several names');
  await looking.fleet.states(keys);
  assert.deepEqual(await writing.snapshots.confirm(keys[0] ?? KEY, TIME), { kind: 'stored' });
  assert.equal(await refusals(), before, 'and not again');
  assert.deepEqual([...looking.log.lines, ...writing.log.lines], []);
});
