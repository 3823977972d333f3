// Clients of ioredis, set up to connect once and to keep no commands for later: the one door to ioredis.
import { Cluster, Redis, type RedisOptions as LibraryOptions } from 'ioredis';
import type { Clock } from '../../domain/clock.js';
import { secureContextOf } from '../../network/secure-context.js';
import { rotate } from './redis-address.js';
import { createConnector } from './redis-connector.js';
import type { RedisOptions } from './redis-options.js';
import { SCRIPTS, type ScriptName } from './redis-scripts.js';
import { findMaster } from './redis-sentinels.js';

export type CommandPart = string | Buffer;

type Script = (nameCount: number, ...namesAndArgs: readonly CommandPart[]) => Promise<unknown>;

/**
 * One connection to a server, or one to each node of a cluster. It does not reconnect once it is lost. Each script is there
 * twice: the second answers with bytes where the first answers with text.
 */
export type RedisClient = (Redis | Cluster) & Readonly<Record<ScriptName | `${ScriptName}Buffer`, Script>>;

/**
 * `attempt` counts from 0, so that each attempt can begin at another of several servers: one may hang. Rejects with a
 * RedisFault.
 */
export type ConnectRedis = (attempt: number) => Promise<RedisClient>;

/** Shown in Redis' list of clients. */
const CONNECTION_NAME = 'spec-forward-proxy';
const REDIRECTIONS_MAX = 5;

/** ioredis' own options, without one that its types make a parameter of. */
type PlainOptions = Omit<LibraryOptions, 'replyMapping'>;

/** For commands on entries and the lease. */
export function createCommandClient(clock: Clock, options: RedisOptions, attempt: number): RedisClient {
  const { address, tls } = options;
  if (address.kind !== 'cluster') {
    const redis = new Redis({
      ...commonOptions(options),
      ...(address.kind === 'standalone' ? { host: address.host, port: address.port } : {}),
      Connector:
        address.kind === 'standalone'
          ? createConnector(clock, options)
          : createConnector(clock, options, () => findMaster(clock, options, address, attempt)),
      lazyConnect: true,
      scripts: SCRIPTS,
      enableOfflineQueue: false,
      retryStrategy: null,
    });
    return redis as Redis & RedisClient;
  }
  // ioredis asks the nodes in random order, so no hanging node is always the first.
  const cluster = new Cluster(
    address.nodes.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      scripts: SCRIPTS,
      // A command for a node that is still connecting waits for it, but no longer than its own deadline.
      enableOfflineQueue: true,
      enableReadyCheck: false,
      clusterRetryStrategy: null,
      maxRedirections: REDIRECTIONS_MAX,
      // Failures are reported at once; ioredis would retry without regard to our deadlines.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      // Names stay names: certificates are issued for them.
      dnsLookup: (address, found) => {
        found(null, address);
      },
      redisOptions: {
        ...commonOptions(options),
        Connector: createConnector(clock, options),
        // Our connector knows; this is for a connection of ioredis' own, for subscriptions, of which we have none.
        ...(tls === undefined ? {} : { tls: { secureContext: secureContextOf(tls) } }),
      },
    },
  );
  return cluster as Cluster & RedisClient;
}

/** For listening: the nodes of a cluster pass messages on to one another, so any one of them will do. */
export function createListenClient(clock: Clock, options: RedisOptions, attempt: number): RedisClient {
  const { address } = options;
  if (address.kind !== 'cluster') return createCommandClient(clock, options, attempt);
  const [node = { host: '', port: 0 }] = rotate(address.nodes, attempt);
  return createCommandClient(clock, { ...options, address: { kind: 'standalone', ...node } }, attempt);
}

function commonOptions(options: RedisOptions): PlainOptions {
  const { user, password } = options;
  const login = user === '' ? (password === '' ? {} : { password }) : { username: user, password };
  return {
    ...login,
    // Every Redis speaks RESP2, and so do the proxies in front of some.
    protocol: 2,
    connectionName: CONNECTION_NAME,
    disableClientInfo: true,
    // It sends INFO, which the user may not be allowed; we send PING.
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  };
}
