// How a connection to Redis comes about: every address of a name has its time, in whatever way Redis is found, and what ends it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { mock, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Lookup } from '../../../src/network/addresses.js';
import type { RedisAddress } from '../../../src/storage/redis/redis-address.js';
import { createCommandClient } from '../../../src/storage/redis/redis-client.js';
import type { RedisFault } from '../../../src/storage/redis/redis-fault.js';
import { systemClock } from '../../../src/domain/clock.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { eventually, within } from '../../e2e/deadline.js';
import { fillBacklog } from '../../fakes/full-backlog.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { startRedisCluster } from '../../fakes/redis-cluster.js';
import { MASTER_NAME, startSentinel } from '../../fakes/redis-sentinel.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { DEMO, openReplica, redisOptions } from './redis-scene.js';

const LONG_MS = 60_000;

/** Leads every name to these addresses, and keeps what it was asked for. */
function lookupOf(...addresses: string[]): { readonly lookup: Lookup; readonly asked: Set<string> } {
  const asked = new Set<string>();
  const lookup: Lookup = (host) => {
    asked.add(host);
    return Promise.resolve(addresses);
  };
  return { lookup, asked };
}

test('an address that takes longer than another one fails is waited for', async (t) => {
  const server = await startRedisServer(t, ['--bind', '127.0.0.2', '--tcp-backlog', '1']);
  server.signal('SIGSTOP');
  await fillBacklog(t, '127.0.0.2', server.port);
  const address = { kind: 'standalone', host: 'redis.test', port: server.port } as const;
  // Nobody listens at the second one.
  const { lookup } = lookupOf('127.0.0.2', '127.0.0.3');
  const options = redisOptions(0, { address, lookup, connectTimeoutMs: LONG_MS });
  const client = createCommandClient(systemClock, options, 0);
  t.after(() => {
    client.disconnect();
  });
  const connecting = client.connect();
  // Beyond the 250 ms of node:net; nothing depends on it being longer.
  await pause(600);
  server.signal('SIGCONT');
  await within(connecting, 'a connection', LONG_MS);
  assert.equal(await client.echo('by the slow address'), 'by the slow address');
});

/** A cluster's nodes and a sentinel's master are told by address: what has a name is what was configured. */
async function assertFoundByName(t: TestContext, address: RedisAddress, name: string): Promise<void> {
  // Nobody listens at the first one.
  const { lookup, asked } = lookupOf('127.0.0.3', '127.0.0.1');
  const replica = await openReplica(t, redisOptions(0, { address, lookup }));
  const key = DEMO.keyOf('secret-by-name0123456789');
  await eventually('a saved spec', async () => {
    const { kind } = await replica.snapshots.save(key, DEMO.payloadOf(TIME), 0);
    return kind === 'stored';
  });
  assert.deepEqual([...asked], [name]);
}

test('sentinels are reached in the same way', async (t) => {
  const master = await startRedisServer(t);
  const sentinels = [{ host: 'sentinel.test', port: await startSentinel(t, master.port) }];
  const address = {
    kind: 'sentinel',
    masterName: MASTER_NAME,
    sentinels,
    sentinelUser: '',
    sentinelPassword: '',
  };
  await assertFoundByName(t, address as RedisAddress, 'sentinel.test');
});

test('so are the nodes of a cluster', async (t) => {
  const nodes = (await startRedisCluster(t)).map(({ port }) => ({ host: 'node.test', port }));
  await assertFoundByName(t, { kind: 'cluster', nodes }, 'node.test');
});

test('a name that leads to nothing in time is given up when the setting says, neither before nor after', async (t) => {
  const clock = new ManualClock();
  const silent: Lookup = () => new Promise(() => undefined);
  const address = { kind: 'standalone', host: 'redis.test', port: 1 } as const;
  const options = redisOptions(0, { address, lookup: silent, connectTimeoutMs: 7_000 });
  const client = createCommandClient(clock, options, 0);
  t.after(() => {
    client.disconnect();
  });
  let fault: RedisFault | undefined;
  client.on('error', (error: RedisFault) => {
    fault = error;
  });
  const connecting = assert.rejects(client.connect(), { reason: 'connect_timeout' });
  await settle();
  clock.advance(6_999);
  await settle();
  assert.equal(fault, undefined);
  clock.advance(1);
  await connecting;
  assert.equal(clock.scheduled, 0);
});

test('a server that does not read has 100 ms to take what was sent to it before its connection is cut', async (t) => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const arriving = once(server, 'connection') as Promise<[Socket]>;
  const client = createCommandClient(systemClock, redisOptions(port, { connectTimeoutMs: LONG_MS }), 0);
  const connecting = assert.rejects(client.connect());
  await once(client, 'connect');
  const [far] = await arriving;
  t.after(() => far.destroy());
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => {
    mock.timers.reset();
  });
  client.disconnect();
  mock.timers.tick(99);
  await settle();
  assert.equal(client.status, 'connect');
  const ended = once(client, 'end');
  mock.timers.tick(1);
  await ended;
  await connecting;
});
