// A Redis that is missing, vanishes, hangs, is being loaded or refuses: calls end in time, one line tells, and it is used again.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock, type Clock } from '../../../src/domain/clock.js';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import type { SnapshotFailureReason } from '../../../src/storage/snapshots.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { eventually, within } from '../../e2e/deadline.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { startRedisServer, type RedisServer } from '../../fakes/redis-server.js';
import { DEMO, openReplica, openRoom, pass, redisOptions, type Replica } from './redis-scene.js';

const KEY = DEMO.keyOf('secret-connection0123456789');
const PAYLOAD = DEMO.payloadOf(TIME);
/** Longer than a small command may take, even on a busy machine, and less than the shortest time of a body. */
const SMALL_MS_MAX = 4_000;
/** Writes work again when none has failed for so long. */
const QUIET_MS = 30_000;
/** What fails without asking Redis does so before any deadline could have passed. */
const AT_ONCE_MS_MAX = 900;

interface Pair {
  readonly server: RedisServer;
  readonly replica: Replica;
}

async function startPair(
  t: TestContext,
  changes: Partial<RedisOptions> = {},
  clock: Clock = systemClock,
): Promise<Pair> {
  const server = await startRedisServer(t);
  return { server, replica: await openReplica(t, redisOptions(server.port, changes), { clock }) };
}

/** The reason why nothing can be confirmed, or `none`. */
async function reasonNow({ snapshots }: Replica): Promise<SnapshotFailureReason | 'none'> {
  const confirming = await snapshots.confirm(KEY, TIME);
  return confirming.kind === 'failed' ? confirming.reason : 'none';
}

function untilReason(replica: Replica, reason: SnapshotFailureReason | 'none'): Promise<void> {
  return eventually(`reason ${reason}`, async () => (await reasonNow(replica)) === reason);
}

/** Bodies have a connection of their own, which comes after the one for small commands. */
function untilSaved({ snapshots }: Replica): Promise<void> {
  return eventually('something saved', async () => (await snapshots.save(KEY, PAYLOAD, 0)).kind === 'stored');
}

async function inTime<Value>(
  durationMsMax: number,
  what: string,
  call: () => Promise<Value>,
): Promise<Value> {
  const startMs = performance.now();
  const value = await call();
  const durationMs = performance.now() - startMs;
  assert.ok(durationMs < durationMsMax, `${what} took ${Math.round(durationMs)} ms`);
  return value;
}

async function assertAllFailAtOnce({ snapshots, fleet }: Replica): Promise<void> {
  await inTime(AT_ONCE_MS_MAX, 'every call together', async () => {
    for (const outcome of [
      await snapshots.load(KEY),
      await snapshots.save(KEY, PAYLOAD, 0),
      await snapshots.confirm(KEY, TIME),
      await snapshots.remove(KEY),
    ]) {
      assert.equal(outcome.kind, 'failed');
    }
    assert.equal(await fleet.states([KEY]), undefined);
  });
}

/** The lines about Redis's state, by their level. */
function toldLevels({ log }: Replica): unknown[] {
  return log.lines.map((line) => line['level']);
}

test('a Redis that is missing at the start is used when it comes', async (t) => {
  const server = await startRedisServer(t);
  await server.kill();
  const replica = await inTime(1_500, 'the opening', () => openReplica(t, redisOptions(server.port)));
  assert.equal(await reasonNow(replica), 'connection_refused');
  await assertAllFailAtOnce(replica);
  assert.deepEqual(toldLevels(replica), ['warn']);
  await server.startAgain();
  await untilSaved(replica);
  await replica.log.waitFor((line) => line['msg'] === 'redis works again');
  assert.deepEqual(toldLevels(replica), ['warn', 'info']);
});

test('a Redis that vanishes is told once, tried again, and used again when it is back', async (t) => {
  const { server, replica } = await startPair(t);
  for (let times = 1; times <= 2; times += 1) {
    await untilSaved(replica);
    await server.kill();
    await untilReason(replica, 'connection_refused');
    await assertAllFailAtOnce(replica);
    await server.startAgain();
    await untilReason(replica, 'none');
    await eventually(
      'a line that tells',
      () => toldLevels(replica).filter((level) => level === 'info').length === times,
    );
  }
  assert.deepEqual(toldLevels(replica), ['warn', 'info', 'warn', 'info'], replica.log.text);
});

interface Described {
  readonly isLeader: boolean;
  readonly leader: string | undefined;
  readonly uses: Readonly<Record<string, 'ok' | { readonly reason: string }>>;
}

test('the status of a Redis that is gone tells one truth, and that of one that is back another', async (t) => {
  const { server, replica } = await startPair(t);
  const described = (): Described => replica.describe() as Described;
  const reasons = (): string[] =>
    Object.values(described().uses).map((use) => (use === 'ok' ? use : use.reason));
  await untilSaved(replica);
  replica.fleet.join({ stored: () => undefined, lead: () => undefined, reachable: () => undefined });
  await eventually('a leader', () => described().isLeader);
  assert.deepEqual(reasons(), Array(6).fill('ok'));
  await server.kill();
  await eventually('a lost connection', () => reasons()[0] !== 'ok');
  assert.equal(new Set(reasons()).size, 1, 'nothing works without a connection');
  await untilReason(replica, 'connection_refused');
  assert.deepEqual(reasons(), Array(6).fill('connection_refused'));
  assert.equal(replica.fleet.isLeader, true, 'nobody else can have taken the lease');
  assert.equal(described().isLeader, false, 'but nobody can be asked who leads');
  assert.equal(described().leader, undefined);
  await server.startAgain();
  await untilSaved(replica);
  await eventually('a leader', () => described().isLeader);
  await eventually('all uses', () => reasons().every((reason) => reason === 'ok'));
});

test('a Redis that hangs costs one deadline, then nothing, and is used again when it goes on', async (t) => {
  const { server, replica } = await startPair(t, { connectTimeoutMs: 500 });
  server.signal('SIGSTOP');
  const first = await inTime(SMALL_MS_MAX, 'the first call', () => replica.snapshots.confirm(KEY, TIME));
  assert.deepEqual(first, { kind: 'failed', reason: 'command_timeout' });
  await assertAllFailAtOnce(replica);
  await untilReason(replica, 'connect_timeout');
  await assertAllFailAtOnce(replica);
  server.signal('SIGCONT');
  await untilReason(replica, 'none');
});

test('while Redis hangs, commands beyond a number are not even sent, and all of them end', async (t) => {
  const { server, replica } = await startPair(t);
  server.signal('SIGSTOP');
  const outcomes = await within(
    Promise.all(Array.from({ length: 10_100 }, () => replica.snapshots.confirm(KEY, TIME))),
    'end of all calls',
  );
  assert.ok(outcomes.every(({ kind }) => kind === 'failed'));
  server.signal('SIGCONT');
  await untilReason(replica, 'none');
});

test('a look at many specs has a millisecond more for each, neither less nor more', async (t) => {
  const server = await startRedisServer(t);
  const clock = new ManualClock();
  const { entries } = await openRoom(t, redisOptions(server.port, { connectTimeoutMs: 3_600_000 }), clock);
  const keys = Array.from({ length: 50 }, (_, index) => DEMO.keyOf(`secret-${index}-look`));
  assert.equal((await entries.look(keys, false)).length, 50);
  server.signal('SIGSTOP');
  let isOver = false;
  const looking = entries.look(keys, false).finally(() => (isOver = true));
  const refused = assert.rejects(looking, { reason: 'command_timeout' });
  clock.advance(1_049);
  await settle();
  assert.equal(isOver, false);
  clock.advance(1);
  await within(refused, 'end of the look');
});

test('a start does not wait for a Redis that hangs', async (t) => {
  const server = await startRedisServer(t);
  server.signal('SIGSTOP');
  t.after(() => {
    server.signal('SIGCONT');
  });
  const replica = await inTime(3_000, 'the opening', () =>
    openReplica(t, redisOptions(server.port, { connectTimeoutMs: 10_000 })),
  );
  assert.equal(await reasonNow(replica), 'connecting');
});

test('what cannot be resolved or connected is told by its reason', async (t) => {
  const cases: readonly (readonly [RedisOptions, SnapshotFailureReason])[] = [
    [
      redisOptions(1, { address: { kind: 'standalone', host: 'no-such-host.invalid', port: 1 } }),
      'dns_failed',
    ],
    [redisOptions(1), 'connection_refused'],
  ];
  for (const [options, reason] of cases) await untilReason(await openReplica(t, options), reason);
});

test('a Redis that loads its data is waited for', async (t) => {
  const server = await startRedisServer(t, [
    ...['--enable-debug-command', 'yes', '--rdbcompression', 'no'],
    ...['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'],
  ]);
  await server.client().call('DEBUG', ['POPULATE', 1_500, 'filler', 1_024]);
  await server.client().save();
  const replica = await openReplica(t, redisOptions(server.port));
  const started = server.startAgain();
  await untilReason(replica, 'loading');
  await assertAllFailAtOnce(replica);
  await within(started, 'end of loading');
  await untilReason(replica, 'none');
});

test('a server that takes no writes is read from, and told once', async (t) => {
  const clock = new ManualClock();
  const { server, replica } = await startPair(t, {}, clock);
  const client = server.client();
  await replica.snapshots.save(KEY, PAYLOAD, 0);
  const refusals: Readonly<Record<string, readonly [() => Promise<unknown>, () => Promise<unknown>]>> = {
    replica: [() => client.replicaof('127.0.0.1', 1), () => client.replicaof('NO', 'ONE')],
    'too few replicas': [
      () => client.config('SET', 'min-replicas-to-write', 1),
      () => client.config('SET', 'min-replicas-to-write', 0),
    ],
  };
  for (const [what, [refuse, allow]] of Object.entries(refusals)) {
    replica.log.lines.length = 0;
    await refuse();
    const refused = { kind: 'failed', reason: 'read_only' };
    for (let times = 0; times < 3; times += 1) {
      assert.deepEqual(await replica.snapshots.confirm(KEY, TIME), refused, what);
      assert.deepEqual(await replica.snapshots.save(KEY, PAYLOAD, 0), refused, what);
      assert.deepEqual(await replica.snapshots.remove(KEY), refused, what);
      assert.equal((await replica.snapshots.load(KEY)).kind, 'found', what);
    }
    assert.deepEqual(toldLevels(replica), ['warn']);
    assert.equal(replica.log.lines[0]?.['reason'], 'read_only');
    await allow();
    await untilReason(replica, 'none');
    assert.deepEqual(toldLevels(replica), ['warn'], 'another write may still fail');
    await pass(clock, client, QUIET_MS);
    await untilReason(replica, 'none');
    assert.deepEqual(toldLevels(replica), ['warn', 'info']);
  }
});

test('a Redis without memory keeps what it has, and is read from', async (t) => {
  const clock = new ManualClock();
  const { server, replica } = await startPair(t, {}, clock);
  const client = server.client();
  await replica.snapshots.save(KEY, PAYLOAD, 0);
  await client.config('SET', 'maxmemory', 1);
  const full = { kind: 'failed', reason: 'out_of_memory' };
  assert.deepEqual(await replica.snapshots.save(KEY, DEMO.payloadOf(TIME + 1), 0), full);
  assert.deepEqual(await replica.snapshots.confirm(KEY, TIME), full);
  const loading = await replica.snapshots.load(KEY);
  assert.equal(loading.kind === 'found' && loading.snapshot.payload.version, TIME);
  assert.deepEqual(toldLevels(replica), ['warn']);
  await client.config('SET', 'maxmemory', 0);
  await pass(clock, client, QUIET_MS);
  await untilReason(replica, 'none');
  assert.deepEqual(await replica.snapshots.save(KEY, DEMO.payloadOf(TIME + 1), 0), { kind: 'stored' });
  assert.deepEqual(toldLevels(replica), ['warn', 'info']);
});

test('scripts that Redis has forgotten are sent again', async (t) => {
  const { server, replica } = await startPair(t);
  await replica.snapshots.save(KEY, PAYLOAD, 0);
  await server.client().script('FLUSH');
  assert.deepEqual(await replica.snapshots.confirm(KEY, TIME), { kind: 'stored' });
  assert.equal((await replica.fleet.states([KEY]))?.[0]?.version, TIME);
  assert.deepEqual(toldLevels(replica), []);
});

test('what was lost with its connection is told as lost', async (t) => {
  const { server, replica } = await startPair(t);
  server.signal('SIGSTOP');
  const confirming = replica.snapshots.confirm(KEY, TIME);
  await server.kill();
  assert.deepEqual(await confirming, { kind: 'failed', reason: 'connection_lost' });
});

test('a closed Redis says so at once, and tells of no failure', async (t) => {
  const { server, replica } = await startPair(t);
  await replica.close();
  await replica.close();
  const closed = { kind: 'failed', reason: 'closed' };
  assert.deepEqual(await replica.snapshots.save(KEY, PAYLOAD, 0), closed);
  assert.deepEqual(await replica.snapshots.load(KEY), closed);
  assert.equal(await replica.fleet.states([KEY]), undefined);
  assert.deepEqual(toldLevels(replica), []);
  await eventually('connections that are gone', async () => {
    const list = String(await server.client().client('LIST'));
    return !list.includes('spec-forward-proxy');
  });
});

test('a stop does not wait for a Redis that hangs', async (t) => {
  const { server, replica } = await startPair(t);
  server.signal('SIGSTOP');
  t.after(() => {
    server.signal('SIGCONT');
  });
  const saving = replica.snapshots.save(KEY, PAYLOAD, 0);
  await inTime(2_500, 'the stop', () => replica.close());
  assert.equal((await saving).kind, 'failed');
});
