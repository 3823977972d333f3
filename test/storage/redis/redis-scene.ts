// Redis as one replica opens it, against a real server: with its log, and gone when the test ends.
import type { TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { systemClock, type Clock } from '../../../src/domain/clock.js';
import { createLogger } from '../../../src/observability/logger.js';
import type { ProxyEvents } from '../../../src/observability/proxy-events.js';
import { noProxyEvents } from '../../fakes/proxy-events.js';
import { openRedis, type OpenedRedis } from '../../../src/storage/redis/open-redis.js';
import { createCommandClient } from '../../../src/storage/redis/redis-client.js';
import { RedisCommands } from '../../../src/storage/redis/redis-commands.js';
import { RedisEntries } from '../../../src/storage/redis/redis-entries.js';
import { RedisHealth } from '../../../src/storage/redis/redis-health.js';
import { RedisLink } from '../../../src/storage/redis/redis-link.js';
import { RedisNames } from '../../../src/storage/redis/redis-names.js';
import type { RedisRoom } from '../../../src/storage/redis/redis-snapshots.js';
import type { RedisAddress } from '../../../src/storage/redis/redis-address.js';
import type { RedisOptions } from '../../../src/storage/redis/redis-options.js';
import { within } from '../../e2e/deadline.js';
import { DEMO_PAYLOADS, type DemoPayloads } from '../../fakes/demo-payloads.js';
import { plainSeal } from '../../fakes/backup-seals.js';
import { createTestLog, LogSink } from '../../fakes/log-sink.js';
import type { ManualClock } from '../../fakes/manual-clock.js';

/** v1 JSON without compression: the plainest there is. */
export const DEMO = firstOf(DEMO_PAYLOADS);
const STEP_MS = 400;
const MIB = 1024 * 1024;

/** What the proxy sends: a user needs no more rights than for these. */
export const RIGHTS = [
  ...['+ping', '+eval', '+evalsha', '+publish', '+subscribe', '+set', '+get', '+del', '+unlink', '+expire'],
  ...['+pexpire', '+pttl', '+time', '+type', '+exists', '+hmget', '+hget', '+hset', '+hdel', '+hexists'],
  '+hstrlen',
];
/** What the queue of log events needs besides. */
export const QUEUE_RIGHTS = [
  ...['+hincrby', '+xadd', '+xrange', '+xdel', '+zadd', '+zscore', '+zrange', '+zrem', '+zremrangebyrank'],
  ...['+zremrangebyscore', '+wait'],
];
/** Names and the channel that they are for. */
export const NAMES = [
  '~statsig|*',
  '~spec-forward-proxy|*',
  '~statsig::*',
  '~statsig_forward_proxy::leader',
  '&spec-forward-proxy::updates',
];
export interface Replica extends OpenedRedis {
  readonly log: LogSink;
  close(): Promise<void>;
}

function firstOf(demos: readonly DemoPayloads[]): DemoPayloads {
  const [first] = demos;
  if (first === undefined) throw new Error('no demo payloads');
  return first;
}

export function redisOptions(port: number, changes: Partial<RedisOptions> = {}): RedisOptions {
  return {
    address: { kind: 'standalone', host: '127.0.0.1', port },
    user: '',
    password: '',
    passwordFile: '',
    db: 0,
    tls: undefined,
    connectTimeoutMs: 2_000,
    leaseTtlMs: 70_000,
    attemptIntervalMs: 10_000,
    entryTtlS: 86_400,
    keyPrefix: '',
    keySchema: 'sha256',
    doubleWriteLegacyKey: false,
    instanceName: 'replica',
    takesLogEvents: false,
    logEventReplicasMin: 0,
    bodyLimits: { encodedBytesMax: 64 * MIB, decodedBytesMax: 128 * MIB },
    seal: plainSeal(),
    ...changes,
  };
}

export function clusterAddress(nodes: readonly { readonly port: number }[]): RedisAddress {
  return { kind: 'cluster', nodes: nodes.map(({ port }) => ({ host: '127.0.0.1', port })) };
}

export async function openReplica(
  t: TestContext,
  options: RedisOptions,
  { clock = systemClock, events = noProxyEvents }: { clock?: Clock; events?: ProxyEvents } = {},
): Promise<Replica> {
  const log = new LogSink();
  const logger = createLogger(log, { level: 'debug', instanceName: options.instanceName, version: '1.2.3' });
  const redis = await openRedis(clock, logger, events, options);
  const close = (): Promise<void> => redis.snapshots.close();
  t.after(() => within(close(), 'end of a replica'));
  return { ...redis, log, close };
}

/** What a replica is made of, so that a test may come between what is asked and what is written. */
export async function openRoom(
  t: TestContext,
  options: RedisOptions,
  clock: Clock = systemClock,
): Promise<RedisRoom> {
  const log = createLogger(new LogSink(), { level: 'debug', instanceName: 'room', version: '1.2.3' });
  const [small, bodies] = [openLink(t, options, clock), openLink(t, options, clock)];
  await Promise.all([small.open(), bodies.open()]);
  const commands = new RedisCommands(
    { small, bodies },
    new RedisHealth(clock, log, { server: '', connectionQuietMs: 0 }),
  );
  const names = new RedisNames(options);
  const { bodyLimits, seal } = options;
  const entries = new RedisEntries(commands, names, {
    isCluster: false,
    entryTtlS: 60,
    instanceId: 'room',
    seal,
  });
  return { commands, entries, names, bodyLimits, seal, close: () => Promise.resolve() };
}

/** Lets time pass in steps that are shorter than a command's deadline, with the answers of Redis coming in between. */
export async function pass(clock: ManualClock, client: Redis, durationMs: number): Promise<void> {
  for (let leftMs = durationMs; leftMs > 0; leftMs -= STEP_MS) {
    clock.advance(Math.min(STEP_MS, leftMs));
    await client.ping();
    await client.ping();
  }
}

export function openLink(t: TestContext, options: RedisOptions, clock: Clock): RedisLink {
  const link = new RedisLink(
    clock,
    (attempt) => Promise.resolve(createCommandClient(clock, options, attempt)),
    {
      connectTimeoutMs: options.connectTimeoutMs,
      log: createTestLog(),
      mayRetry: () => true,
      prepare: () => Promise.resolve(),
      onOpen: () => undefined,
      onFault: () => undefined,
    },
  );
  t.after(() => {
    link.close();
  });
  return link;
}
