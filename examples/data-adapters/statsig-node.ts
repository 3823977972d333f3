// A data adapter for statsig-node 6: reads the specs that spec-forward-proxy keeps in Redis, and writes nothing.
import { setTimeout } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { DataAdapterKeyPath, type AdapterResponse, type IDataAdapter } from 'statsig-node';

/** The SDK starts without a spec rather than wait longer for a Redis that hangs. */
const READ_TIMEOUT_MS = 2000;
/** Where the proxy keeps the spec itself, as JSON text. */
const FIELD = 'config';

/** The client stays the application's, who closes it after the SDK. */
export function redisDataAdapter(redis: Redis | Cluster): IDataAdapter {
  return {
    initialize: async () => undefined,
    get: async (name) => await read(redis, name),
    // Only the proxy writes. A string under one of its names would be in the way of its next spec.
    set: async () => undefined,
    supportsPollingUpdatesFor: (path) => path === DataAdapterKeyPath.V1Rulesets,
    // The SDK still reads once after this.
    shutdown: async () => undefined,
  };
}

/** Without a result the SDK goes on to the network at its start, and later keeps what it has. */
async function read(redis: Redis | Cluster, name: string): Promise<AdapterResponse> {
  try {
    const config = await inTime(redis.hget(name, FIELD));
    return config === null ? {} : { result: config };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function inTime<Value>(reading: Promise<Value>): Promise<Value> {
  const deadline = setTimeout(READ_TIMEOUT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`Redis did not answer within ${READ_TIMEOUT_MS} ms`);
  });
  return await Promise.race([reading, deadline]);
}
