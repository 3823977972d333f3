// A connection that is made again and again: the pauses between attempts, what ends them, and a peer that went silent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createCommandClient, type RedisClient } from '../../../src/storage/redis/redis-client.js';
import type { RedisFault } from '../../../src/storage/redis/redis-fault.js';
import { RedisLink } from '../../../src/storage/redis/redis-link.js';
import { eventually, within } from '../../e2e/deadline.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { freePort } from '../../fakes/free-port.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { redisOptions } from './redis-scene.js';
import { createTestLog } from '../../fakes/log-sink.js';

interface Scene {
  readonly clock: ManualClock;
  readonly link: RedisLink;
  /** Ends with the first attempt. */
  readonly opening: Promise<void>;
  readonly attempts: () => number;
  readonly faults: RedisFault[];
  readonly opened: () => number;
  /** What `mayRetry` answers. */
  mayRetry: boolean;
}

function startLink(t: TestContext, port: number, { mayRetry = true, connectTimeoutMs = 2_000 } = {}): Scene {
  const clock = new ManualClock();
  const options = redisOptions(port, { connectTimeoutMs });
  const faults: RedisFault[] = [];
  let attempts = 0;
  let opened = 0;
  const scene = { clock, faults, mayRetry, attempts: () => attempts, opened: () => opened };
  const connect = (attempt: number): Promise<RedisClient> => {
    assert.equal(attempt, attempts);
    attempts += 1;
    return Promise.resolve(createCommandClient(clock, options, attempt));
  };
  const link = new RedisLink(clock, connect, {
    connectTimeoutMs,
    log: createTestLog(),
    mayRetry: () => scene.mayRetry,
    prepare: (client) => client.ping(),
    onOpen: () => {
      opened += 1;
    },
    onFault: (fault) => {
      faults.push(fault);
    },
  });
  t.after(() => {
    link.close();
  });
  const opening = link.open();
  return Object.assign(scene, { link, opening });
}

/** A server that takes connections, and what comes over them, and says nothing. */
async function startSilence(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).resume());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('pauses between attempts double from a tenth of a second to five, the second half of each left to chance', async (t) => {
  const { clock, attempts, faults } = startLink(t, await freePort(), { connectTimeoutMs: 60_000 });
  for (const longestMs of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]) {
    const before = attempts();
    await eventually('a failure', () => faults.length === before);
    assert.equal(faults.at(-1)?.reason, 'connection_refused');
    clock.advance(longestMs / 2 - 1);
    assert.equal(attempts(), before, `not sooner than half of ${longestMs} ms`);
    clock.advance(longestMs / 2 + 1);
    assert.equal(attempts(), before + 1, `not later than ${longestMs} ms`);
  }
});

test('a peer that takes the connection and says nothing is given up after the time for connecting', async (t) => {
  const { clock, link, attempts, faults } = startLink(t, await startSilence(t));
  await eventually('a connection', () => attempts() === 1);
  clock.advance(1_999);
  assert.equal(faults.length, 0);
  assert.equal(link.fault.reason, 'connecting');
  clock.advance(1);
  await eventually('a failure', () => faults.length === 1);
  assert.equal(faults[0]?.reason, 'connect_timeout');
  await assert.rejects(
    link.run(1_000, (client) => client.ping()),
    {
      reason: 'connect_timeout',
    },
  );
});

test('an idle connection is checked now and then, and made anew where the peer does not answer', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, opened, opening } = startLink(t, server.port);
  await within(opening, 'end of the first attempt');
  const client = server.client();
  const pings = async (): Promise<number> =>
    Number(/cmdstat_ping:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
  const before = await pings();
  clock.advance(10_000);
  await eventually('a check', async () => (await pings()) === before + 1);
  await link.run(1_000, (idle) => idle.echo('its answer is here'));
  const slow = link.run(60_000, (busy) => busy.eval(SLOW, 0));
  clock.advance(10_000);
  assert.equal(await slow, 'done');
  assert.equal(await pings(), before + 1, 'a busy connection has deadlines of its own');
  server.signal('SIGSTOP');
  clock.advance(10_000);
  clock.advance(1_000);
  assert.equal(link.isOpen, false);
  server.signal('SIGCONT');
  clock.advance(100);
  await eventually('another connection', () => opened() === 2);
  assert.equal(attempts(), 2);
});

test('pauses begin anew after a connection that lasted', async (t) => {
  const server = await startRedisServer(t);
  const { clock, attempts, link, opened, opening } = startLink(t, server.port);
  const client = server.client();
  const lose = async (): Promise<void> => {
    const sessions = opened();
    await client.call('CLIENT', ['KILL', 'TYPE', 'normal']);
    await eventually('a loss', () => !link.isOpen || opened() > sessions);
  };
  await within(opening, 'end of the first attempt');
  for (const longestMs of [100, 200, 400]) {
    await lose();
    const before = attempts();
    clock.advance(longestMs / 2 - 1);
    assert.equal(attempts(), before, `not sooner than half of ${longestMs} ms`);
    clock.advance(longestMs / 2 + 1);
    await eventually('a connection', () => link.isOpen);
  }
  clock.advance(5_000);
  await lose();
  const before = attempts();
  clock.advance(100);
  assert.equal(attempts(), before + 1);
});

test('a link that may not retry waits until it is opened', async (t) => {
  const server = await startRedisServer(t);
  await server.kill();
  const { clock, link, attempts, faults } = startLink(t, server.port, { mayRetry: false });
  await eventually('a failure', () => faults.length === 1);
  clock.advance(60_000);
  assert.equal(attempts(), 1);
  await server.startAgain();
  await within(Promise.all([link.open(), link.open()]), 'end of the attempt');
  assert.equal(link.isOpen, true);
  await link.open();
  assert.equal(attempts(), 2);
});

test('opening a link ends the pause before the next attempt', async (t) => {
  const server = await startRedisServer(t);
  await server.kill();
  const { clock, link, attempts, faults } = startLink(t, server.port);
  await eventually('a failure', () => faults.length === 1);
  await server.startAgain();
  await within(link.open(), 'end of the attempt');
  clock.advance(5_000);
  await settle();
  assert.equal(link.isOpen, true);
  assert.equal(attempts(), 2);
});

test('a renewal keeps what is there until the next one stands, and is not made too often', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, opened, opening } = startLink(t, server.port);
  await within(opening, 'end of the first attempt');
  clock.advance(5_000);
  const slow = link.run(10_000, (client) => client.eval(SLOW, 0));
  link.renew();
  link.renew();
  assert.equal(link.isOpen, true);
  await eventually('the next one', () => opened() === 2);
  assert.equal(await slow, 'done', 'what was on its way ends');
  link.renew();
  assert.equal(attempts(), 2);
  clock.advance(5_000);
  link.renew();
  await eventually('another one', () => opened() === 3);
});

test('a connection is replaced when it is old, by one that is opened beside it, and again by the next', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, opened, opening, faults } = startLink(t, server.port);
  await within(opening, 'end of the first attempt');
  const agesMs: number[] = [];
  let openedMs = clock.monotonicMs();
  while (agesMs.length < 6) {
    const before = attempts();
    clock.advance(10_000);
    assert.equal(await link.run(60_000, (client) => client.echo('x')), 'x');
    if (attempts() === before) continue;
    agesMs.push(clock.monotonicMs() - openedMs);
    openedMs = clock.monotonicMs();
    await eventually('the next one', () => opened() === attempts());
  }
  for (const ageMs of agesMs) assert.ok(ageMs >= 300_000 && ageMs <= 610_000, `${ageMs} ms`);
  assert.ok(new Set(agesMs).size > 1, `left to chance: ${agesMs.join(', ')} ms`);
  assert.deepEqual(faults, []);
});

test('a renewal that fails leaves what is there', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, faults, opening } = startLink(t, server.port);
  await within(opening, 'end of the first attempt');
  const client = server.client();
  // The connections that are there are logged in already.
  await client.config('SET', 'requirepass', 'x');
  clock.advance(5_000);
  link.renew();
  assert.equal(attempts(), 2);
  clock.advance(5_000);
  await eventually('an attempt that ended', () => {
    link.renew();
    return attempts() === 3;
  });
  assert.equal(await link.run(1_000, (client) => client.echo('x')), 'x');
  assert.deepEqual(faults, []);
});

test('a renewal where there is no connection, or no more, makes none', async (t) => {
  const { clock, link, attempts, faults } = startLink(t, await freePort());
  const failOnce = async (times: number): Promise<void> => {
    await eventually('a failure', () => faults.length === times);
    for (let more = 0; more < 5; more += 1) link.renew();
    assert.equal(attempts(), times);
  };
  for (let times = 1; times <= 12; times += 1) {
    await failOnce(times);
    clock.advance(5_000);
  }
  await failOnce(13);
  link.close();
  link.renew();
  clock.advance(600_000);
  await settle();
  assert.equal(attempts(), 13);
});

test('a link that is closed while it connects stays closed', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, opened, faults, opening } = startLink(t, server.port);
  link.close();
  await within(opening, 'end of the first attempt');
  clock.advance(60_000);
  await link.open();
  link.renew();
  assert.equal(link.isOpen, false);
  assert.equal(opened(), 0);
  assert.deepEqual(faults, []);
  await assert.rejects(
    link.run(1_000, (client) => client.ping()),
    { reason: 'closed' },
  );
});

/** A tenth of a second of Redis's time. */
const SLOW = `
local from = redis.call('TIME')
repeat
  local now = redis.call('TIME')
until (now[1] - from[1]) * 1000000 + (now[2] - from[2]) > 100000
return 'done'
`;
