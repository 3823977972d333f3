// Looks at a Redis without changing anything in it: over one connection of our own kind, with questions only.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.js';
import { createCommandClient, type RedisClient } from './redis-client.js';
import { inTime } from './redis-deadline.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisOptions } from './redis-options.js';
import { createPasswordReader } from './redis-password.js';
import { neededCommands, type NeededCommand } from './redis-permissions.js';
import { RedisSession } from './redis-session.js';

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
}

/** Rejects with a RedisFault where there is no connection, or it breaks. */
export async function inspectRedis(clock: Clock, options: RedisOptions): Promise<RedisInspection> {
  const late = new RedisFault('connect_timeout', 'PASSWORD_FILE');
  const password = await inTime(clock, options.connectTimeoutMs, late, createPasswordReader(options)());
  const session = new RedisSession(
    clock,
    createCommandClient(clock, { ...options, password }, 0),
    () => undefined,
  );
  try {
    // Without a command a user without rights, or a login that is missing, would not be noticed.
    await session.open(options.connectTimeoutMs, async (client) => {
      await unlessForbidden(client.ping());
      if (options.db !== 0) await unlessForbidden(client.select(options.db));
    });
    return await session.run(ALL_QUESTIONS_MS_MAX, (client) => ask(clock, client, options));
  } finally {
    session.drop(new RedisFault('closed'));
  }
}

async function ask(clock: Clock, client: RedisClient, options: RedisOptions): Promise<RedisInspection> {
  const info = parseInfo(await unlessRefused(client.call('INFO')));
  const startMs = clock.monotonicMs();
  const time = await unlessRefused(client.call('TIME'));
  const tookMs = clock.monotonicMs() - startMs;
  const needed = neededCommands(options, `doctor-${randomUUID()}`);
  const permissions = (await askByScript(client, needed)) ?? (await askBySending(client, needed));
  return { info, aheadMs: aheadMs(clock.nowMs() - tookMs / 2, time), ...permissions };
}

function aheadMs(askedAtMs: number, time: unknown): number | undefined {
  if (!Array.isArray(time)) return undefined;
  const [seconds, micros] = time.map(Number);
  return askedAtMs - ((seconds ?? NaN) * 1000 + (micros ?? NaN) / 1000);
}

function parseInfo(answer: unknown): ReadonlyMap<string, string> {
  const lines = typeof answer === 'string' ? answer.split(/\r?\n/) : [];
  return new Map(lines.flatMap((line) => (/^(\w+):(.*)$/.exec(line) ? [splitOnce(line)] : [])));
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at), line.slice(at + 1)];
}

type Permissions = Pick<RedisInspection, 'denied' | 'untried'>;

/**
 * Redis 7 tells a script what the user may do; `ACL DRYRUN` would say the same, to administrators only. Answers a word for each
 * command, or nothing where it cannot tell.
 */
const MAY = `
if not redis.acl_check_cmd then return {} end
local answers = {}
for i, text in ipairs(ARGV) do
  local is_known, may = pcall(redis.acl_check_cmd, unpack(cjson.decode(text)))
  answers[i] = (is_known and may) and 'yes' or 'no'
end
return answers
`;

/** Undefined where scripts are refused, or Redis is too old to tell. */
async function askByScript(
  client: RedisClient,
  needed: readonly NeededCommand[],
): Promise<Permissions | undefined> {
  const words = needed.map((command) => JSON.stringify(command.words));
  const answers = await unlessRefused(client.call('EVAL', MAY, '0', ...words));
  if (!Array.isArray(answers) || answers.length !== needed.length) return undefined;
  return { denied: namesOf(needed.filter((_command, index) => answers[index] !== 'yes')), untried: [] };
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

function namesOf(commands: readonly NeededCommand[]): readonly string[] {
  return [...new Set(commands.map(({ words: [name = ''] }) => name))];
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

async function unlessForbidden(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    const fault = toRedisFault(error);
    if (fault.code !== 'NOPERM') throw fault;
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
