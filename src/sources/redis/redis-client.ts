// Connections to Redis as the library makes them, held to its plainest: no queues, no retries. The one door to ioredis.
import { rootCertificates, type ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions as LibraryOptions } from 'ioredis';
import { toRedisFault } from './redis-fault.js';
import type { RedisNode } from '../../domain/redis-address.js';
import type { RedisOptions } from './redis-options.js';

export type CommandPart = string | Buffer;

/** One connection to a server, or one to each node of a cluster. Not made anew once it is lost. */
export interface RedisClient {
  connect(): Promise<void>;
  disconnect(): void;
  /** The reply, with texts as strings. A command is lost with its connection, and rejects. */
  send(name: string, parts: readonly CommandPart[]): Promise<unknown>;
  /** The reply, with texts as buffers. */
  sendForBytes(name: string, parts: readonly CommandPart[]): Promise<unknown>;
  onError(listener: (error: unknown) => void): void;
  onEnd(listener: () => void): void;
  onMessage(listener: (text: string) => void): void;
}

/** Seen in Redis's list of clients. */
const CONNECTION_NAME = 'spec-forward-proxy';
/** What is on its way to a server that does not read is let go after so long. */
const DISCONNECT_MS = 100;
const SENTINEL_COMMAND_MS = 1_000;
const REDIRECTIONS_MAX = 5;

/** The library's own, without one that its types make a parameter of. */
type PlainOptions = Omit<LibraryOptions, 'replyMapping'>;

/** `attempt` counts from 0: of several places the next one is asked first each time, so that none that hangs is in the way. */
export type ConnectRedis = (attempt: number) => RedisClient;

/** For commands on entries and the lease. */
export function createCommandClient(options: RedisOptions, attempt: number): RedisClient {
  if (options.address.kind !== 'cluster') return createServerClient(options, attempt);
  const nodes = rotate(options.address.nodes, attempt).map(({ host, port }) => ({ host, port }));
  const cluster = new Cluster(nodes, {
    lazyConnect: true,
    // What is meant for a node that is still being connected waits for it, no longer than its own deadline.
    enableOfflineQueue: true,
    enableReadyCheck: false,
    clusterRetryStrategy: null,
    maxRedirections: REDIRECTIONS_MAX,
    // Told at once instead of tried again behind our deadlines.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Names stay names: certificates are made out to them.
    dnsLookup: (address, found) => {
      found(null, address);
    },
    redisOptions: commonOptions(options),
  });
  return {
    ...wrap(cluster),
    onError: (listener) => {
      cluster.on('error', listener);
      cluster.on('node error', listener);
    },
  };
}

/** For listening: a cluster's nodes pass messages on to one another, so any one of them will do. */
export function createListenClient(options: RedisOptions, attempt: number): RedisClient {
  const { address } = options;
  if (address.kind !== 'cluster') return createServerClient(options, attempt);
  const [node = { host: '', port: 0 }] = rotate(address.nodes, attempt);
  return createServerClient({ ...options, address: { kind: 'standalone', ...node } }, attempt);
}

function createServerClient(options: RedisOptions, attempt: number): RedisClient {
  const redis = new Redis({
    ...commonOptions(options),
    ...placeOptions(options, attempt),
    db: options.db,
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: () => null,
  });
  let firstError: unknown;
  redis.once('error', (error: unknown) => {
    firstError = error;
  });
  return {
    ...wrap(redis),
    connect: async () => {
      await redis.connect();
      // A database that was refused is told by an event only: the library would go on with another one.
      if (firstError !== undefined) throw toRedisFault(firstError);
    },
    onError: (listener) => {
      redis.on('error', listener);
    },
  };
}

function commonOptions(options: RedisOptions): PlainOptions {
  const { user, password, tls, connectTimeoutMs } = options;
  const login = user === '' ? (password === '' ? {} : { password }) : { username: user, password };
  return {
    ...login,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls.caPem) }),
    // Every Redis speaks it, and so do the proxies before some.
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    connectionName: CONNECTION_NAME,
    disableClientInfo: true,
    // Asks with INFO, which a user may not be allowed: we ask with PING.
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
  };
}

function placeOptions({ address, tls }: RedisOptions, attempt: number): PlainOptions {
  if (address.kind === 'standalone') return { host: address.host, port: address.port };
  if (address.kind === 'cluster') throw new TypeError('a cluster is no single place');
  const { masterName, sentinels, sentinelUser, sentinelPassword } = address;
  return {
    name: masterName,
    sentinels: rotate(sentinels, attempt).map(({ host, port }) => ({ host, port })),
    ...(sentinelUser === '' ? {} : { sentinelUsername: sentinelUser }),
    ...(sentinelPassword === '' && sentinelUser === '' ? {} : { sentinelPassword }),
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: SENTINEL_COMMAND_MS,
    updateSentinels: false,
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(tls.caPem) }),
  };
}

function tlsOptions(caPem: string | undefined): ConnectionOptions {
  return caPem === undefined ? {} : { ca: [...rootCertificates, caPem] };
}

function rotate(nodes: readonly RedisNode[], by: number): RedisNode[] {
  const from = by % nodes.length;
  return [...nodes.slice(from), ...nodes.slice(0, from)];
}

function wrap(client: Redis | Cluster): Omit<RedisClient, 'onError'> {
  return {
    connect: () => client.connect(),
    disconnect: () => {
      client.disconnect();
    },
    send: (name, parts) => client.call(name, [...parts]),
    sendForBytes: (name, parts) => client.callBuffer(name, [...parts]),
    onEnd: (listener) => {
      client.once('end', listener);
    },
    onMessage: (listener) => {
      client.on('message', (_channel: string, text: string) => {
        listener(text);
      });
    },
  };
}
