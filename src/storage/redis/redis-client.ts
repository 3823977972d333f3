// Clients of ioredis, set up to connect once and to keep no commands for later: the one door to ioredis.
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions as LibraryOptions } from 'ioredis';
import { secureContextOf, type ClientTls } from '../../network/secure-context.js';
import type { RedisNode } from './redis-address.js';
import type { RedisOptions } from './redis-options.js';
import { SCRIPTS, type ScriptName } from './redis-scripts.js';

export type CommandPart = string | Buffer;

type Script = (nameCount: number, ...namesAndArgs: readonly CommandPart[]) => Promise<unknown>;

/** One connection to a server, or one to each node of a cluster. It does not reconnect once it is lost. */
export type RedisClient = (Redis | Cluster) & Readonly<Record<ScriptName, Script>>;

/**
 * `attempt` counts from 0, so that each attempt can begin at another of several servers: one may hang. Rejects with a
 * RedisFault.
 */
export type ConnectRedis = (attempt: number) => Promise<RedisClient>;

/** Shown in Redis' list of clients. */
const CONNECTION_NAME = 'spec-forward-proxy';
/** A server that does not read has this long to take what was sent to it before we disconnect. */
const DISCONNECT_MS = 100;
const SENTINEL_COMMAND_MS = 1_000;
const REDIRECTIONS_MAX = 5;

/** ioredis' own options, without one that its types make a parameter of. */
type PlainOptions = Omit<LibraryOptions, 'replyMapping'>;

/** For commands on entries and the lease. */
export function createCommandClient(options: RedisOptions, attempt: number): RedisClient {
  const { address } = options;
  if (address.kind !== 'cluster') {
    const redis = new Redis({
      ...commonOptions(options),
      ...placeOptions(options, attempt),
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
      redisOptions: commonOptions(options),
    },
  );
  return cluster as Cluster & RedisClient;
}

/** For listening: the nodes of a cluster pass messages on to one another, so any one of them will do. */
export function createListenClient(options: RedisOptions, attempt: number): RedisClient {
  const { address } = options;
  if (address.kind !== 'cluster') return createCommandClient(options, attempt);
  const [node = { host: '', port: 0 }] = rotate(address.nodes, attempt);
  return createCommandClient({ ...options, address: { kind: 'standalone', ...node } }, attempt);
}

function commonOptions(options: RedisOptions): PlainOptions {
  const { user, password, tls, connectTimeoutMs } = options;
  const login = user === '' ? (password === '' ? {} : { password }) : { username: user, password };
  return {
    ...login,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    // Every Redis speaks RESP2, and so do the proxies in front of some.
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    connectionName: CONNECTION_NAME,
    disableClientInfo: true,
    // It sends INFO, which the user may not be allowed; we send PING.
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  };
}

function placeOptions({ address, tls }: RedisOptions, attempt: number): PlainOptions {
  if (address.kind === 'standalone') return { host: address.host, port: address.port };
  if (address.kind === 'cluster') throw new TypeError('a cluster is not a single server');
  const { masterName, sentinels, sentinelUser, sentinelPassword } = address;
  return {
    name: masterName,
    sentinels: rotate(sentinels, attempt).map(({ host, port }) => ({ host, port })),
    ...(sentinelUser === '' ? {} : { sentinelUsername: sentinelUser }),
    ...(sentinelPassword === '' && sentinelUser === '' ? {} : { sentinelPassword }),
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: SENTINEL_COMMAND_MS,
    updateSentinels: false,
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(tls) }),
  };
}

/** ioredis reads them at each connection: a cluster opens some to its nodes long after the client was made. */
function tlsOptions(tls: ClientTls): ConnectionOptions {
  return {
    get secureContext() {
      return secureContextOf(tls);
    },
  };
}

function rotate(nodes: readonly RedisNode[], by: number): RedisNode[] {
  const from = by % nodes.length;
  return [...nodes.slice(from), ...nodes.slice(0, from)];
}
