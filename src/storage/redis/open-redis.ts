// Redis as a whole: its three connections, what is stored in it, and the fleet that coordinates through it.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.js';
import { atMost } from '../../domain/deadline.js';
import type { Logger } from '../../observability/logger.js';
import type { ProxyEvents } from '../../observability/proxy-events.js';
import type { FleetLink } from '../fleet-link.js';
import type { ShardQueue } from '../shard-queue.js';
import type { Snapshots } from '../snapshots.js';
import { RedisCommands, type CommandHealth } from './redis-commands.js';
import { RedisEntries } from './redis-entries.js';
import { withRedisEvents } from './redis-events.js';
import { RedisFleet } from './redis-fleet.js';
import { RedisHealth, type RedisFailing } from './redis-health.js';
import { RedisLease } from './redis-lease.js';
import { openLinks, type LinksListener, type RedisLinks } from './redis-links.js';
import { KEPT_SPACE, RedisNames } from './redis-names.js';
import type { RedisAddress, RedisNode } from './redis-address.js';
import type { RedisOptions } from './redis-options.js';
import { RedisShardQueue, SHARD_LEASE_MS } from './redis-shard-queue.js';
import { createRedisSnapshots, type RedisRoom } from './redis-snapshots.js';

/** How long a start waits for the first connection before it continues without one. */
const FIRST_TRY_MS_MAX = 2_000;
/** How long what is kept for operators stays after it was last written: well beyond the longest hold on a payload. */
const KEPT_TTL_S = 30 * 86_400;
/** Some nodes of a cluster may fail while others work: it works again when none has failed for longer than a poll interval. */
const CLUSTER_QUIET_MS = 30_000;

export interface OpenedRedis {
  /** Of this process, as others see it: its name, and what tells it from earlier ones. */
  readonly instanceId: string;
  readonly snapshots: Snapshots;
  /** For what outlives the specs' own time in Redis: earlier versions, and what operators decided. Closed with the specs'. */
  readonly kept: Snapshots;
  readonly fleet: FleetLink;
  /** Of log events. */
  readonly queue: ShardQueue;
  /** Undefined where everything it is used for works. */
  readonly failing: RedisFailing | undefined;
  readonly isLeader: boolean;
  /** For log lines and `/status`; holds no password and no SDK key. */
  describe(): object;
}

/** Never rejects: connecting is retried for as long as it takes. */
export async function openRedis(
  clock: Clock,
  log: Logger,
  events: ProxyEvents,
  options: RedisOptions,
): Promise<OpenedRedis> {
  const instanceId = `${options.instanceName}:${randomUUID()}`;
  const isCluster = options.address.kind === 'cluster';
  const health = new RedisHealth(clock, log, {
    server: addressText(options.address),
    connectionQuietMs: isCluster ? CLUSTER_QUIET_MS : 0,
  });
  const listener: LinksListener = {
    heard: (text) => {
      fleet.hear(text);
    },
    reached: () => {
      fleet.reached();
    },
  };
  const names = new RedisNames(options);
  const links = openLinks(clock, log, health, listener, names.channel, options);
  const { small, bodies, listen, appends } = links;
  const commands = new RedisCommands({ small, bodies }, health);
  const entries = new RedisEntries(commands, names, { ...options, isCluster, instanceId });
  const lease = new RedisLease(clock, commands, names, { ...options, instanceId });
  const fleet = new RedisFleet({ lease, entries, instanceId });

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= fleet.leave().then(() => {
      for (const link of [small, bodies, listen, appends]) link?.close();
    });
    return closing;
  };
  const room = { ...options, commands, entries, names, close };
  const healthOf = (what: string): CommandHealth => apartFrom(health, ownHealth(clock, log, options, what));
  const keptCommands = new RedisCommands({ small, bodies }, healthOf('versions, holds and audit'));
  const apart = keptRoom(keptCommands, options, { isCluster, instanceId });
  const kept = createRedisSnapshots(clock, { ...room, ...apart });
  const queue = openQueue(links, healthOf('log events'), { ...options, prefix: names.prefix, instanceId });
  const snapshots = withRedisEvents(clock, events, createRedisSnapshots(clock, room));
  const tried = small.open().then(() => (small.isOpen ? bodies.open() : undefined));
  await atMost(clock, FIRST_TRY_MS_MAX, tried);
  // The lease lasts a while longer without Redis, but nobody can say who holds it.
  const isLeader = (): boolean => small.isOpen && fleet.isLeader;
  return {
    instanceId,
    snapshots,
    kept,
    fleet,
    queue,
    get failing() {
      return health.failing(small.isOpen ? undefined : small.fault);
    },
    get isLeader() {
      return isLeader();
    },
    describe: () => ({
      address: describeAddress(options.address),
      instanceId,
      isLeader: isLeader(),
      leader: small.isOpen ? fleet.leader : undefined,
      uses: health.describe(small.isOpen ? undefined : small.fault),
      messages: fleet.messages,
    }),
  };
}

/** What Redis says to a user that may not do something, or not with this name. */
const NOT_ALLOWED = 'NOPERM';

/**
 * A user that was given the names of specs alone fares well with them, and not with what is kept for operators or with log
 * events: each has its own lines. Connections are the same ones.
 */
function apartFrom(health: RedisHealth, own: RedisHealth): CommandHealth {
  return {
    failed: (use, fault) => {
      (fault.code === NOT_ALLOWED ? own : health).failed(use, fault);
    },
    worked: (use, curedOf) => {
      own.worked(use, curedOf);
      if (use === 'connection' || use === 'bodies') health.worked(use, curedOf);
    },
  };
}

function ownHealth(clock: Clock, log: Logger, { address }: RedisOptions, what: string): RedisHealth {
  return new RedisHealth(clock, log, { server: `${addressText(address)} (${what})`, connectionQuietMs: 0 });
}

function openQueue(
  { small, bodies, appends = bodies }: RedisLinks,
  health: CommandHealth,
  options: RedisOptions & { readonly prefix: string; readonly instanceId: string },
): RedisShardQueue {
  const commands = {
    commands: new RedisCommands({ small, bodies }, health),
    appends: new RedisCommands({ small: appends, bodies: appends }, health),
    isReachable: () => small.isOpen && bodies.isOpen,
  };
  const { prefix, instanceId, logEventReplicasMin: replicasMin } = options;
  return new RedisShardQueue(commands, { prefix, instanceId, replicasMin, leaseMs: SHARD_LEASE_MS });
}

/** Under names that no SDK looks for. */
function keptRoom(
  commands: RedisCommands,
  options: RedisOptions,
  of: { readonly isCluster: boolean; readonly instanceId: string },
): Pick<RedisRoom, 'names' | 'entries' | 'close'> {
  const names = new RedisNames(options, KEPT_SPACE);
  const entries = new RedisEntries(commands, names, { ...of, entryTtlS: KEPT_TTL_S, seal: undefined });
  return { names, entries, close: () => Promise.resolve() };
}

/** As in the settings: `host:port`, several separated by commas. */
function addressText(address: RedisAddress): string {
  switch (address.kind) {
    case 'standalone':
      return nodesText([address]);
    case 'cluster':
      return nodesText(address.nodes);
    case 'sentinel':
      return `${address.masterName} of ${nodesText(address.sentinels)}`;
  }
}

function nodesText(nodes: readonly RedisNode[]): string {
  return nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
}

function describeAddress(address: RedisAddress): object {
  switch (address.kind) {
    case 'standalone':
      return { kind: address.kind, host: address.host, port: address.port };
    case 'cluster':
      return { kind: address.kind, nodes: address.nodes };
    case 'sentinel':
      return { kind: address.kind, masterName: address.masterName, sentinels: address.sentinels };
  }
}
