// Bodies on their way to Redis: they hold up nothing small, few go at once, and none waits or takes for ever.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/domain/clock.js';
import type { Payload } from '../../../src/domain/payload.js';
import { BodyQueue } from '../../../src/storage/redis/redis-body-queue.js';
import type { RedisCommands } from '../../../src/storage/redis/redis-commands.js';
import { createRedisSnapshots } from '../../../src/storage/redis/redis-snapshots.js';
import type { Loading } from '../../../src/storage/snapshots.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { atBest, eventually } from '../../e2e/deadline.js';
import { etagOf } from '../../fakes/demo-payloads.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { startRedisServer } from '../../fakes/redis-server.js';
import { DEMO, openReplica, openRoom, redisOptions } from './redis-scene.js';

const MIB = 1024 * 1024;
const KEY = DEMO.keyOf('secret-bodies0123456789');

/** A spec that does not get smaller. */
function payloadOf(bytes: number): Payload {
  const filler = randomBytes(bytes / 2).toString('hex');
  const body = Buffer.from(`{"has_updates":true,"time":${TIME},"filler":"${filler}"}`);
  return {
    format: 'json',
    version: TIME,
    originForm: { encoding: 'identity', bytes: body, etag: etagOf(body) },
    identityBytes: body.length,
  };
}

/** Hands on what the server sends at about 64 KiB in 50 ms. */
async function startSlowNetwork(t: TestContext, target: number): Promise<AddressInfo> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
    near.pipe(far).on('close', () => near.destroy());
    far.on('data', (bytes: Buffer) => {
      near.write(bytes);
      if (bytes.length < 16_384) return;
      far.pause();
      setTimeout(() => far.resume(), 50 * (bytes.length / 65_536));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address() as AddressInfo;
}

test('a body of 50 MB goes and comes while small commands are answered in their time', async (t) => {
  const server = await startRedisServer(t);
  const replica = await openReplica(t, redisOptions(server.port));
  const payload = payloadOf(50 * MIB);
  const other = DEMO.keyOf('secret-other');
  const saving = replica.snapshots.save(KEY, payload, 0);
  let isOver = false;
  const over = saving.then(() => {
    isOver = true;
  });
  do assert.deepEqual(await replica.snapshots.confirm(other, 1), { kind: 'behind' });
  while (!isOver as boolean);
  await over;
  assert.deepEqual(await saving, { kind: 'stored' });
  const loading = await replica.snapshots.load(KEY);
  assert.ok(loading.kind === 'found');
  assert.ok(loading.snapshot.payload.originForm.bytes.equals(payload.originForm.bytes));
  assert.deepEqual(replica.log.lines, []);
});

test('a body has longer than a small command, and longer the larger it is', async (t) => {
  const server = await startRedisServer(t);
  const clock = new ManualClock();
  const room = await openRoom(t, redisOptions(server.port), clock);
  server.signal('SIGSTOP');
  t.after(() => {
    server.signal('SIGCONT');
  });
  let outcome = '';
  void room.commands.loadBody('any', ['field'], 3_000_000).catch((error: unknown) => {
    outcome = String(error);
  });
  clock.advance(7_999);
  await settle();
  assert.equal(outcome, '');
  clock.advance(1);
  await settle();
  assert.equal(outcome, 'RedisFault: command_timeout');
});

/** Tasks that hold all places of a line until `release`. */
async function fill(
  queue: BodyQueue,
): Promise<{ readonly held: Promise<unknown>; readonly release: () => void }> {
  const releases: (() => void)[] = [];
  const held = Array.from({ length: 4 }, () =>
    queue.run(1, () => new Promise<void>((resolve) => releases.push(resolve))),
  );
  await settle();
  assert.equal(releases.length, 4);
  const release = (): void => {
    for (const each of releases) each();
  };
  return { held: Promise.all(held), release };
}

test('a body that waits for others is given up at the end of its time, whether or not its turn comes', async () => {
  const clock = new ManualClock();
  const queue = new BodyQueue(clock);
  const { held, release } = await fill(queue);
  let started = 0;
  const start = (): Promise<number> => queue.run(30_000, () => Promise.resolve((started += 1)));
  const early = start();
  clock.advance(20_000);
  const late = start();
  clock.advance(9_999);
  await settle();
  assert.equal(started, 0, 'four at one time');
  clock.advance(1);
  await assert.rejects(early, { reason: 'command_timeout', code: 'IN_LINE' });
  release();
  assert.equal(await late, 1, 'what was given up is not begun');
  await held;
  assert.equal(clock.scheduled, 0);
});

test('a body whose time is over before it came to the line is not begun', async () => {
  const queue = new BodyQueue(new ManualClock());
  const late = queue.run(0, () => Promise.reject(new Error('begun')));
  await assert.rejects(late, { reason: 'command_timeout', code: 'IN_LINE' });
});

test('a body that fails makes room for the next', async () => {
  const queue = new BodyQueue(new ManualClock());
  const failing = Array.from({ length: 8 }, () =>
    queue.run(1_000, () => Promise.reject(new Error('spoilt'))),
  );
  for (const each of failing) await assert.rejects(each, { message: 'spoilt' });
  assert.equal(await queue.run(1_000, () => Promise.resolve('next')), 'next');
});

test('the line of bodies has an end', async () => {
  const queue = new BodyQueue(new ManualClock());
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const waiting = Array.from({ length: 10_004 }, () => queue.run(1, () => gate));
  await settle();
  await assert.rejects(
    queue.run(1, () => gate),
    { reason: 'command_timeout', code: 'TOO_MANY' },
  );
  release();
  await Promise.all(waiting);
});

test('who has a client waiting is answered within a second and a half, and who has time gets the same body', async (t) => {
  const server = await startRedisServer(t);
  const slow = await startSlowNetwork(t, server.port);
  const direct = await openReplica(t, redisOptions(server.port));
  const behind = await openReplica(t, redisOptions(slow.port));
  const payload = payloadOf(2 * MIB);
  const small = DEMO.keyOf('secret-small0123456789');
  await direct.snapshots.save(KEY, payload, 0);
  await direct.snapshots.save(small, DEMO.payloadOf(TIME), 0);
  assert.equal((await behind.snapshots.load(small, 'client')).kind, 'found');
  const tookMs = await atBest(1_900, async () => {
    const startMs = performance.now();
    const patient = behind.snapshots.load(KEY, 'background');
    const loaded = await behind.snapshots.load(KEY, 'client');
    const durationMs = performance.now() - startMs;
    assert.deepEqual(loaded, { kind: 'failed', reason: 'command_timeout' });
    const loading = await patient;
    assert.ok(loading.kind === 'found');
    assert.ok(loading.snapshot.payload.originForm.bytes.equals(payload.originForm.bytes));
    return durationMs;
  });
  assert.ok(tookMs > 1_300 && tookMs < 1_900, `${Math.round(tookMs)} ms`);
  assert.deepEqual(behind.log.lines, [], 'nothing of it is a failure of Redis');
});

test('loads for clients wait behind nothing but one another', async (t) => {
  const server = await startRedisServer(t);
  const room = await openRoom(t, redisOptions(server.port));
  const writer = createRedisSnapshots(systemClock, room);
  const keys = Array.from({ length: 12 }, (_, index) => DEMO.keyOf(`secret-${index}-0123456789`));
  for (const key of keys) await writer.save(key, DEMO.payloadOf(TIME), 0);
  let isHeld = true;
  let asked = 0;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const commands = {
    loadBody: async (...args: Parameters<RedisCommands['loadBody']>) => {
      asked += 1;
      if (isHeld) await gate;
      return await room.commands.loadBody(...args);
    },
  } as unknown as RedisCommands;
  const snapshots = createRedisSnapshots(systemClock, { ...room, commands });
  const patient = keys.map((key) => snapshots.load(key));
  await eventually('a line of patient loads', () => asked === 4);
  isHeld = false;
  assert.equal((await snapshots.load(DEMO.keyOf('secret-0-0123456789'), 'client')).kind, 'found');
  open();
  for (const loading of await Promise.all(patient)) assert.equal(loading.kind, 'found');
});

test('a client is answered in its time though its turn does not come', async (t) => {
  const server = await startRedisServer(t);
  const clock = new ManualClock();
  const room = await openRoom(t, redisOptions(server.port), clock);
  await createRedisSnapshots(clock, room).save(KEY, DEMO.payloadOf(TIME), 0);
  let asked = 0;
  const commands = {
    loadBody: async () => {
      asked += 1;
      return await new Promise(() => undefined);
    },
  } as unknown as RedisCommands;
  const snapshots = createRedisSnapshots(clock, { ...room, commands });
  const outcomes: Loading[] = [];
  for (let times = 0; times < 6; times += 1) {
    void snapshots.load(KEY, 'client').then((outcome) => outcomes.push(outcome));
  }
  await eventually('four on their way', () => asked === 4);
  clock.advance(1_499);
  await settle();
  assert.equal(outcomes.length, 0);
  clock.advance(1);
  await settle();
  assert.deepEqual(outcomes, Array(6).fill({ kind: 'failed', reason: 'command_timeout' }));
});
