// Looks at a Redis without changing anything in it: over one connection of our own kind, with questions only.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.js';
import type { QueueDurability } from '../shard-queue.js';
import { parseInfo, readDurability } from './queue-durability.js';
import type { RedisClient } from './redis-client.js';
import { toRedisFault } from './redis-fault.js';
import type { RedisOptions } from './redis-options.js';
import { toNamePrefix } from './redis-names.js';
import { neededByQueue, neededCommands, type NeededCommand } from './redis-permissions.js';
import { deniedByScript, namesOf } from './redis-rights.js';
import { inSession } from './single-session.js';

const ALL_QUESTIONS_MS_MAX = 5_000;

export interface RedisInspection {
  /** What INFO says, by name; empty where this user may not ask, or a proxy in front does not answer. */
  readonly info: ReadonlyMap<string, string>;
  /** How far our clock is ahead; undefined where TIME is refused. */
  readonly aheadMs: number | undefined;
  /** Commands that this user may not send, or not on the names that are used. */
  readonly denied: readonly string[];
  /** Commands that could not be tried without changing something. */
  readonly untried: readonly string[];
  /** How safe the fleet's queue of log events would be in it. */
  readonly queue: QueueDurability;
}

/** Rejects with a RedisFault where there is no connection, or it breaks. */
export async function inspectRedis(clock: Clock, options: RedisOptions): Promise<RedisInspection> {
  return await inSession(clock, options, (session) =>
    session.run(ALL_QUESTIONS_MS_MAX, (client) => ask(clock, client, options)),
  );
}

async function ask(clock: Clock, client: RedisClient, options: RedisOptions): Promise<RedisInspection> {
  const info = parseInfo(await unlessRefused(client.call('INFO')));
  const startMs = clock.monotonicMs();
  const time = await unlessRefused(client.call('TIME'));
  const tookMs = clock.monotonicMs() - startMs;
  const ahead = aheadMs(clock.nowMs() - tookMs / 2, time);
  const marker = `doctor-${randomUUID()}`;
  const permissions = await askRights(client, neededCommands(options, marker));
  const ofQueue = await askRights(client, neededByQueue(toNamePrefix(options.keyPrefix), marker));
  const fsync = await unlessRefused(client.call('CONFIG', 'GET', 'appendfsync'));
  const queue = { ...readDurability(info, fsync), denied: ofQueue.denied };
  return { info, aheadMs: ahead, ...permissions, queue };
}

function aheadMs(askedAtMs: number, time: unknown): number | undefined {
  if (!Array.isArray(time)) return undefined;
  const [seconds, micros] = time.map(Number);
  return askedAtMs - ((seconds ?? NaN) * 1000 + (micros ?? NaN) / 1000);
}

type Permissions = Pick<RedisInspection, 'denied' | 'untried'>;

/** By a script, or where that is refused or cannot tell, by sending what changes nothing. */
async function askRights(client: RedisClient, needed: readonly NeededCommand[]): Promise<Permissions> {
  const denied = await deniedByScript((...words) => unlessRefused(client.call('EVAL', ...words)), needed);
  return denied === undefined ? await askBySending(client, needed) : { denied, untried: [] };
}

async function askBySending(client: RedisClient, needed: readonly NeededCommand[]): Promise<Permissions> {
  const denied: NeededCommand[] = [];
  for (const command of needed.filter(({ isHarmless }) => isHarmless)) {
    const [name = '', ...args] = command.words;
    if (await isDenied(client.call(name, ...args))) denied.push(command);
  }
  const untried = namesOf(needed.filter(({ isHarmless }) => !isHarmless));
  return { denied: namesOf(denied), untried };
}

/** An answer of any other kind, an error included, comes from a command that was let through. */
async function isDenied(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return false;
  } catch (error) {
    const fault = toRedisFault(error);
    if (fault.isOfConnection) throw fault;
    return fault.code === 'NOPERM' || /unknown command/i.test((error as Error).message);
  }
}

/** Undefined where Redis answers with an error. */
async function unlessRefused(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    const fault = toRedisFault(error);
    if (fault.isOfConnection) throw fault;
    return undefined;
  }
}
