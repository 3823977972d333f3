// Data stores for @statsig/statsig-node-core: read the specs that spec-forward-proxy keeps in Redis, and write nothing.
import { setTimeout } from 'node:timers/promises';
import type { DataStore } from '@statsig/statsig-node-core';
import type { Cluster, Redis } from 'ioredis';

/** The SDK starts without a spec rather than wait longer for a Redis that hangs. */
const READ_TIMEOUT_MS = 2000;
/** Where the proxy keeps the spec itself: JSON text, or protobuf bytes. */
const FIELD = 'config';

/** Specs as JSON. The client stays the application's, who closes it after the SDK. */
export function redisDataStore(redis: Redis | Cluster): DataStore {
  return {
    // Typed as optional, but the SDK does not read from a store without it.
    initialize: async () => undefined,
    get: async (name) => ({ result: found(await inTime(redis.hget(name, FIELD))) }),
    // Only the proxy writes. A string under one of its names would be in the way of its next spec.
    set: async () => undefined,
    setBytes: async () => undefined,
    supportPollingUpdatesFor: async (path) => path === '/v2/download_config_specs',
    shutdown: async () => undefined,
  };
}

/** Specs as protobuf, or as JSON where Redis has no protobuf: less to read from Redis, more work in this process. */
export function redisProtobufDataStore(redis: Redis | Cluster): DataStore {
  return {
    ...redisDataStore(redis),
    // The SDK asks for `…|statsig-br|…` first and, where there is none, for `…|plain_text|…`.
    getBytes: async (name) => {
      const bytes = await inTime(redis.hgetBuffer(name, FIELD));
      return bytes === null && name.includes('|statsig-br|') ? {} : { result: asNumbers(found(bytes)) };
    },
  };
}

/**
 * The value, or an error where there is none. The SDK takes errors well: at its start it goes on to the network, later
 * it keeps what it has, and logs why. A poll answered by nothing it takes for a broken spec, and reports that to Statsig.
 */
function found<Value>(value: Value | null): Value {
  if (value === null) throw new Error('Redis holds no such spec');
  return value;
}

async function inTime<Value>(read: Promise<Value>): Promise<Value> {
  const deadline = setTimeout(READ_TIMEOUT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`Redis did not answer within ${READ_TIMEOUT_MS} ms`);
  });
  return await Promise.race([read, deadline]);
}

/**
 * The SDK (0.23.2) says `Uint8Array` and takes nothing but an array of numbers. `toJSON` makes one of 1.3 MB in 9 ms,
 * `Array.from` in 49 ms.
 */
function asNumbers(bytes: Buffer): Uint8Array {
  return bytes.toJSON().data as unknown as Uint8Array;
}
