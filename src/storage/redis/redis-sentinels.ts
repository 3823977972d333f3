// Which server is the master: the sentinels are asked one after another until one knows.
import { Redis } from 'ioredis';
import type { Clock } from '../../domain/clock.js';
import { rotate, type RedisAddress, type RedisNode } from './redis-address.js';
import { createConnector } from './redis-connector.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisOptions } from './redis-options.js';

type SentinelAddress = Extract<RedisAddress, { kind: 'sentinel' }>;

/** For one sentinel, its connection included: another one may know. */
const SENTINEL_COMMAND_MS = 1_000;

/** Begins at another sentinel at each attempt. Rejects with a RedisFault: why the last one could not say. */
export async function findMaster(
  clock: Clock,
  options: RedisOptions,
  address: SentinelAddress,
  attempt: number,
): Promise<RedisNode> {
  let fault = new RedisFault('redis_error', 'SENTINELS');
  for (const sentinel of rotate(address.sentinels, attempt)) {
    try {
      const master = await ask(clock, options, address, sentinel);
      if (master !== undefined) return master;
    } catch (error) {
      const { reason, code } = toRedisFault(error);
      fault = new RedisFault(reason, code === '' ? 'SENTINELS' : code);
    }
  }
  throw fault;
}

/** Undefined where this sentinel does not know the master. */
async function ask(
  clock: Clock,
  options: RedisOptions,
  { masterName, sentinelUser, sentinelPassword }: SentinelAddress,
  { host, port }: RedisNode,
): Promise<RedisNode | undefined> {
  const client = new Redis({
    host,
    port,
    Connector: createConnector(clock, options),
    username: sentinelUser === '' ? undefined : sentinelUser,
    password: sentinelPassword === '' && sentinelUser === '' ? undefined : sentinelPassword,
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    retryStrategy: null,
    commandTimeout: SENTINEL_COMMAND_MS,
  });
  // The command below rejects with it.
  client.on('error', () => undefined);
  try {
    const answer: unknown = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
    if (!Array.isArray(answer)) return undefined;
    return { host: String(answer[0]), port: Number(answer[1]) };
  } finally {
    client.disconnect();
  }
}
