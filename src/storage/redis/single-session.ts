// One connection to Redis for a command that asks something and ends: it is closed whatever happens.
import type { Clock } from '../../domain/clock.js';
import { createCommandClient } from './redis-client.js';
import { inTime } from '../../domain/deadline.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisOptions } from './redis-options.js';
import { createPasswordReader } from './redis-password.js';
import { RedisSession } from './redis-session.js';

/** Rejects with a RedisFault where there is no connection, or it breaks. */
export async function inSession<Value>(
  clock: Clock,
  options: RedisOptions,
  use: (session: RedisSession) => Promise<Value>,
): Promise<Value> {
  const late = new RedisFault('connect_timeout', 'PASSWORD_FILE');
  const password = await inTime(clock, options.connectTimeoutMs, late, createPasswordReader(options)());
  const client = createCommandClient(clock, { ...options, password }, 0);
  const session = new RedisSession(clock, client, () => undefined);
  try {
    // Without a command a user without rights, or a login that is missing, would not be noticed.
    await session.open(options.connectTimeoutMs, async (opened) => {
      await unlessForbidden(opened.ping());
      if (options.db !== 0) await unlessForbidden(opened.select(options.db));
    });
    return await use(session);
  } finally {
    session.drop(new RedisFault('closed'));
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
