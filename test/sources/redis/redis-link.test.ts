// A connection that is made again and again: the pauses between attempts, what ends them, and a peer that went silent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createCommandClient } from '../../../src/sources/redis/redis-client.js';
import type { RedisFault } from '../../../src/sources/redis/redis-fault.js';
import { RedisLink } from '../../../src/sources/redis/redis-link.js';
import { eventually, within } from '../../e2e/deadline.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { freePort } from '../../fakes/free-port.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { pass, redisOptions } from './redis-scene.js';

interface Scene {
  readonly clock: ManualClock;
  readonly link: RedisLink;
  readonly attempts: () => number;
  readonly faults: RedisFault[];
  readonly opened: () => number;
  /** What `mayTry` answers. */
  mayTry: boolean;
}

function startLink(t: TestContext, port: number, { mayTry = true, connectTimeoutMs = 2_000 } = {}): Scene {
  const clock = new ManualClock();
  const options = redisOptions(port, { connectTimeoutMs });
  const faults: RedisFault[] = [];
  let attempts = 0;
  let opened = 0;
  const scene = { clock, faults, mayTry, attempts: () => attempts, opened: () => opened };
  const connect = (attempt: number): ReturnType<typeof createCommandClient> => {
    assert.equal(attempt, attempts);
    attempts += 1;
    return createCommandClient(options, attempt);
  };
  const link = new RedisLink(clock, connect, {
    connectTimeoutMs,
    mayTry: () => scene.mayTry,
    prepare: async (session) => {
      await session.send({ name: 'ping', parts: [], deadlineMs: 1_000 });
    },
    onOpen: () => {
      opened += 1;
    },
    onFault: (fault) => {
      faults.push(fault);
    },
  });
  t.after(() => within(link.close(), 'end of a link'));
  return Object.assign(scene, { link });
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
  await assert.rejects(link.send({ name: 'ping', parts: [], deadlineMs: 1_000 }), {
    reason: 'connect_timeout',
  });
});

test('a connection on which nothing happens is asked whether it lives, and made anew where it does not', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, opened } = startLink(t, server.port);
  await within(link.firstTry, 'end of the first attempt');
  const client = server.client();
  const pings = async (): Promise<number> =>
    Number(/cmdstat_ping:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
  const before = await pings();
  // It was opened since the last look.
  clock.advance(10_000);
  clock.advance(10_000);
  await eventually('a question', async () => (await pings()) === before + 1);
  await link.send({ name: 'echo', parts: ['busy'], deadlineMs: 1_000 });
  clock.advance(10_000);
  await link.send({ name: 'echo', parts: ['busy'], deadlineMs: 1_000 });
  assert.equal(await pings(), before + 1, 'what was busy meanwhile need not be asked');
  server.signal('SIGSTOP');
  clock.advance(10_000);
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
  const { clock, attempts, link, opened } = startLink(t, server.port);
  const client = server.client();
  const lose = async (): Promise<void> => {
    const sessions = opened();
    await client.call('CLIENT', ['KILL', 'TYPE', 'normal']);
    await eventually('a loss', () => !link.isOpen || opened() > sessions);
  };
  await within(link.firstTry, 'end of the first attempt');
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

test('a link that may not try waits until it is told to hurry', async (t) => {
  const server = await startRedisServer(t);
  const scene = startLink(t, server.port, { mayTry: false });
  const { clock, link, attempts } = scene;
  clock.advance(60_000);
  link.hurry();
  assert.equal(attempts(), 0);
  scene.mayTry = true;
  link.hurry();
  link.hurry();
  await within(link.firstTry, 'end of the first attempt');
  assert.equal(link.isOpen, true);
  link.hurry();
  assert.equal(attempts(), 1);
});

test('a renewal keeps what is there until the next one stands, and is not made too often', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, opened } = startLink(t, server.port);
  await within(link.firstTry, 'end of the first attempt');
  clock.advance(5_000);
  const slow = link.send({ name: 'eval', parts: [SLOW, '0'], deadlineMs: 10_000 });
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

test('a renewal that fails leaves what is there', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts, faults } = startLink(t, server.port);
  await within(link.firstTry, 'end of the first attempt');
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
  assert.equal(await link.send({ name: 'echo', parts: ['x'], deadlineMs: 1_000 }), 'x');
  assert.deepEqual(faults, []);
});

test('a server that stays as it is is renewed more and more seldom, until it was let be for a while', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, attempts } = startLink(t, server.port);
  const client = server.client();
  await within(link.firstTry, 'end of the first attempt');
  const pausesMs: number[] = [];
  const renewFor = async (durationMs: number): Promise<void> => {
    let lastMs = clock.monotonicMs();
    for (const untilMs = lastMs + durationMs; clock.monotonicMs() < untilMs;) {
      const before = attempts();
      link.renew();
      if (attempts() > before) {
        pausesMs.push(clock.monotonicMs() - lastMs);
        lastMs = clock.monotonicMs();
      }
      await pass(clock, client, 1_000);
    }
  };
  await renewFor(200_000);
  assert.deepEqual(pausesMs, [0, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  await pass(clock, client, 121_000);
  pausesMs.length = 0;
  await renewFor(6_000);
  assert.deepEqual(pausesMs, [0, 5_000]);
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
  await link.close();
  link.renew();
  clock.advance(600_000);
  await settle();
  assert.equal(attempts(), 13);
});

test('a link that is closed while it connects stays closed', async (t) => {
  const server = await startRedisServer(t);
  const { clock, link, opened, faults } = startLink(t, server.port);
  await link.close();
  await within(link.firstTry, 'end of the first attempt');
  clock.advance(60_000);
  link.hurry();
  link.renew();
  assert.equal(link.isOpen, false);
  assert.equal(opened(), 0);
  assert.deepEqual(faults, []);
  await assert.rejects(link.send({ name: 'ping', parts: [], deadlineMs: 1_000 }), { reason: 'closed' });
});

/** A tenth of a second of Redis's time. */
const SLOW = `
local from = redis.call('TIME')
repeat
  local now = redis.call('TIME')
until (now[1] - from[1]) * 1000000 + (now[2] - from[2]) > 100000
return 'done'
`;
