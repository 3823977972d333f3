// The commands that this room sends, on names as it uses them: what a user of Redis has to be allowed.
import { KEPT_SPACE, RedisNames } from './redis-names.js';
import type { RedisOptions } from './redis-options.js';

export interface NeededCommand {
  readonly words: readonly string[];
  /** Sent for real it changes nothing, as nothing is stored under its name. */
  readonly isHarmless: boolean;
}

/** `marker`: makes up a name that nothing is stored under. */
export function neededCommands(options: RedisOptions, marker: string): readonly NeededCommand[] {
  const names = new RedisNames(options);
  const { lease, channel, prefix } = names;
  const entry = `${prefix}statsig|/v1/download_config_specs|plain_text|${marker}`;
  const kept = `${prefix}${KEPT_SPACE}|/v1/download_config_specs/version|plain_text|${marker}`;
  const mirrors = options.doubleWriteLegacyKey ? [`${prefix}statsig::${marker}`] : [];
  const harmless = (...words: string[]): NeededCommand => ({ words, isHarmless: true });
  const harmful = (...words: string[]): NeededCommand => ({ words, isHarmless: false });
  return [
    harmless('PING'),
    harmless('TIME'),
    ...(options.db === 0 ? [] : [harmless('SELECT', String(options.db))]),
    ...(options.address.kind === 'cluster' ? [harmless('CLUSTER', 'SLOTS')] : []),
    harmless('GET', lease),
    harmless('PTTL', lease),
    harmful('SET', lease, marker, 'PX', '1', 'NX'),
    harmful('PEXPIRE', lease, '1'),
    harmful('DEL', lease),
    harmful('PUBLISH', channel, ''),
    harmful('SUBSCRIBE', channel),
    ...[entry, kept, ...mirrors].flatMap((name) => [
      harmless('EVAL', 'return 1', '1', name),
      // An unknown script: Redis answers NOSCRIPT if the user may run scripts.
      harmless('EVALSHA', '0'.repeat(40), '1', name),
      harmless('TYPE', name),
      harmless('EXISTS', name),
      harmless('HMGET', name, 'lcut'),
      harmless('HEXISTS', name, 'lcut'),
      harmless('HSTRLEN', name, 'lcut'),
      harmless('HDEL', name, 'lcut'),
      harmless('EXPIRE', name, '1'),
      harmless('UNLINK', name),
      harmful('HSET', name, 'lcut', '0'),
    ]),
  ];
}

/** What the fleet's queue of log events needs besides. `marker` as for `neededCommands`. */
export function neededByQueue(prefix: string, marker: string): readonly NeededCommand[] {
  const name = `${prefix}${KEPT_SPACE}|{log-events|${marker}}|doctor`;
  const harmless = (...words: string[]): NeededCommand => ({ words, isHarmless: true });
  const harmful = (...words: string[]): NeededCommand => ({ words, isHarmless: false });
  return [
    harmless('EVALSHA', '0'.repeat(40), '1', name),
    harmless('TIME'),
    harmless('GET', name),
    harmful('SET', name, '0'),
    harmless('HMGET', name, 'owner'),
    harmless('HEXISTS', name, 'owner'),
    harmless('HDEL', name, 'owner'),
    harmful('HSET', name, 'owner', ''),
    harmful('HINCRBY', name, 'token', '1'),
    harmful('XADD', name, '*', 'id', ''),
    harmless('XRANGE', name, '-', '+', 'COUNT', '1'),
    harmless('XDEL', name, '0-1'),
    harmful('ZADD', name, '0', ''),
    harmless('ZSCORE', name, ''),
    harmless('ZRANGE', name, '0', '-1'),
    harmless('ZREM', name, ''),
    harmless('ZREMRANGEBYRANK', name, '0', '-1'),
    harmless('ZREMRANGEBYSCORE', name, '-inf', '+inf'),
    // Without it, only --log-event-min-replicas cannot be had.
    harmless('WAIT', '0', '1'),
  ];
}
