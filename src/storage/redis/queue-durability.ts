// How safe the fleet's queue is in a Redis, read out of what that says of itself.
import type { QueueDurability } from '../shard-queue.js';

/** INFO by name; empty where it was not answered. */
export function parseInfo(answer: unknown): ReadonlyMap<string, string> {
  const lines = typeof answer === 'string' ? answer.split(/\r?\n/) : [];
  return new Map(lines.flatMap((line) => (/^\w+:/.test(line) ? [splitOnce(line)] : [])));
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at), line.slice(at + 1)];
}

/** `fsync`: the answer to CONFIG GET appendfsync, which few users may ask. */
export function readDurability(
  info: ReadonlyMap<string, string>,
  fsync: unknown,
): Omit<QueueDurability, 'denied'> {
  const numberOf = (name: string): number | undefined => {
    const text = info.get(name);
    return text === undefined ? undefined : Number(text);
  };
  const appendOnly = numberOf('aof_enabled');
  return {
    appendOnly: appendOnly === undefined ? undefined : appendOnly === 1,
    appendFsync: Array.isArray(fsync) && typeof fsync[1] === 'string' ? fsync[1] : undefined,
    replicas: numberOf('connected_slaves'),
    evictionPolicy: info.get('maxmemory_policy'),
    memoryBytesMax: numberOf('maxmemory'),
  };
}
