// Replicas with one queue in a real Redis, each with a clock that is turned by hand, before an origin that is a function.
import type { TestContext } from 'node:test';
import { systemClock } from '../../../../../src/domain/clock.js';
import { createLogger } from '../../../../../src/observability/logger.js';
import type { DeadLetters } from '../../../../../src/protocols/statsig/log-events/dead-letters.js';
import { EventJournal } from '../../../../../src/protocols/statsig/log-events/event-journal.js';
import { FleetDeadLetters } from '../../../../../src/protocols/statsig/log-events/fleet/fleet-batch.js';
import { FleetKeeper } from '../../../../../src/protocols/statsig/log-events/fleet/fleet-keeper.js';
import type { Spool } from '../../../../../src/protocols/statsig/log-events/fleet/spool.js';
import {
  LogEventStore,
  type Acceptance,
} from '../../../../../src/protocols/statsig/log-events/log-event-store.js';
import { sharedLimits } from '../../../../../src/protocols/statsig/log-events/queue-room.js';
import { plainSealer, type Sealer } from '../../../../../src/protocols/statsig/log-events/sealer.js';
import type {
  DeliveryOutcome,
  EventDelivery,
} from '../../../../../src/protocols/statsig/origin/event-origin.js';
import { RedisCommands } from '../../../../../src/storage/redis/redis-commands.js';
import { RedisHealth } from '../../../../../src/storage/redis/redis-health.js';
import type { RedisLink } from '../../../../../src/storage/redis/redis-link.js';
import type { RedisOptions } from '../../../../../src/storage/redis/redis-options.js';
import { RedisShardQueue } from '../../../../../src/storage/redis/redis-shard-queue.js';
import { eventually } from '../../../../e2e/deadline.js';
import { LogSink } from '../../../../fakes/log-sink.js';
import { ManualClock, settle } from '../../../../fakes/manual-clock.js';
import { noProxyEvents } from '../../../../fakes/proxy-events.js';
import { openLink, redisOptions } from '../../../../storage/redis/redis-scene.js';

/** So long that only a test ends a lease. */
export const LEASE_MS = 600_000;
/** Between two looks of a replica at its shards. */
export const TENDING_MS = LEASE_MS / 3;
const READING_MS = 250;

export interface QueueSetting {
  readonly port: number;
  readonly shards?: number;
  readonly batchesMax?: number;
  readonly bytesMax?: number;
  readonly replicasMin?: number;
  readonly leaseMs?: number;
  readonly sealer?: Sealer;
  readonly spool?: Spool;
  readonly options?: Partial<RedisOptions>;
  readonly knownKeys?: readonly string[];
  /** Of dead letters that do not belong to the queue. */
  readonly elsewhere?: DeadLetters;
  /** How far its clock is wrong. */
  readonly skewMs?: number;
}

export interface FleetReplica {
  readonly name: string;
  readonly clock: ManualClock;
  readonly queue: RedisShardQueue;
  readonly keeper: FleetKeeper;
  readonly store: LogEventStore;
  readonly logs: LogSink;
  readonly links: readonly RedisLink[];
  /** Gone from one moment to the next: nothing it still has in hand reaches anybody. */
  kill(): void;
  readonly isKilled: boolean;
  send(sdkKey: string, name: string, bytes?: number): Promise<Acceptance>;
  /** Lets it look at its shards. */
  look(): Promise<void>;
  readonly owned: readonly number[];
}

export type Deliver = (replica: string, delivery: EventDelivery) => Promise<DeliveryOutcome>;

export function openQueue(
  t: TestContext,
  name: string,
  { port, options, replicasMin = 0, leaseMs = LEASE_MS }: QueueSetting,
): { readonly queue: RedisShardQueue; readonly links: readonly RedisLink[] } {
  const redis = redisOptions(port, options);
  const [small, bodies, appends] = [1, 2, 3].map(() => openLink(t, redis, systemClock)) as [
    RedisLink,
    RedisLink,
    RedisLink,
  ];
  const log = createLogger(new LogSink(), { level: 'debug', instanceName: name, version: '1.2.3' });
  const health = new RedisHealth(systemClock, log, { server: '', connectionQuietMs: 0 });
  const queue = new RedisShardQueue(
    {
      commands: new RedisCommands({ small, bodies }, health),
      appends: new RedisCommands({ small: appends, bodies: appends }, health),
      isReachable: () => small.isOpen && bodies.isOpen,
    },
    { instanceId: name, prefix: redis.keyPrefix, leaseMs, replicasMin },
  );
  return { queue, links: [small, bodies, appends] };
}

export async function startReplica(
  t: TestContext,
  name: string,
  setting: QueueSetting,
  deliver: Deliver,
): Promise<FleetReplica> {
  const { shards = 4, batchesMax = 10_000, bytesMax = 1e9, sealer = plainSealer, knownKeys = [] } = setting;
  const clock = new ManualClock(1_800_000_000_000 + (setting.skewMs ?? 0));
  const logs = new LogSink();
  const log = createLogger(logs, { level: 'info', instanceName: name, version: '0.0.0' });
  const { queue, links } = openQueue(t, name, setting);
  await Promise.all(links.map((link) => link.open()));
  const journal = new EventJournal(clock, log, noProxyEvents, 'events.example');
  const limits = sharedLimits({ batchesMax, bytesMax });
  const world = { clock, log, queue, sealer, listener: journal };
  const keeper = new FleetKeeper(world, setting.spool, journal, { shards, limits });
  let isKilled = false;
  const origin = {
    deliver: (delivery: EventDelivery): Promise<DeliveryOutcome> =>
      isKilled ? new Promise(() => undefined) : deliver(name, delivery),
    close: async () => undefined,
  };
  const inspector = {
    inspect: async () => ({
      inspection: { kind: 'batch' as const, dropped: 0, rest: undefined },
      settle: () => undefined,
    }),
    remembered: 0,
    rememberedMax: 0,
    close: async () => undefined,
  };
  const deadLetters = new FleetDeadLetters(setting.elsewhere ?? noLetters);
  const isKnownKey = (sdkKey: string): boolean => knownKeys.includes(sdkKey);
  const parts = { keeper, inspector, origin, deadLetters, journal, isKnownKey };
  const store = new LogEventStore(clock, log, parts, { batchesMax, bytesMax, flushMs: 60_000 });
  await store.open();
  const kill = (): void => {
    isKilled = true;
    for (const link of links) link.close();
    keeper.fleet?.close();
    store.forwarder.stop();
  };
  t.after(kill);
  return {
    name,
    clock,
    queue,
    keeper,
    store,
    logs,
    links,
    kill,
    get isKilled() {
      return isKilled;
    },
    send: (sdkKey, text, bytes = 0) => {
      const body = Buffer.from(text.padEnd(bytes));
      return store.accept({ sdkKey, headers: {}, query: '', coding: '', body });
    },
    look: async () => {
      clock.advance(TENDING_MS);
      await turn();
    },
    get owned() {
      return (keeper.fleet?.all ?? []).filter(({ isOwned }) => isOwned).map(({ shard }) => shard);
    },
  };
}

const noLetters: DeadLetters = {
  add: async () => undefined,
  close: async () => undefined,
};

/** Lets answers of Redis come in. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  await settle();
}

/** Lets every replica look at its shards and read them, until it is so. */
export async function until(
  what: string,
  replicas: readonly FleetReplica[],
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  await eventually(what, async () => {
    for (const replica of replicas) {
      if (replica.isKilled) continue;
      replica.clock.advance(READING_MS);
      await turn();
    }
    if (await isSo()) return true;
    for (const replica of replicas) if (!replica.isKilled) await replica.look();
    return isSo();
  });
}
