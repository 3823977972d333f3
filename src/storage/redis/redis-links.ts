// The connections to one Redis: for small commands, for bodies, for listening, and for log events that come in.
import type { Clock } from '../../domain/clock.js';
import { inBackground } from '../../observability/in-background.js';
import type { Logger } from '../../observability/logger.js';
import { createCommandClient, createListenClient, type ConnectRedis } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisHealth } from './redis-health.js';
import { RedisLink } from './redis-link.js';
import type { RedisOptions } from './redis-options.js';
import { createPasswordReader } from './redis-password.js';
import type { RedisTask } from './redis-session.js';

export interface LinksListener {
  /** A message on the channel. */
  heard(text: string): void;
  /** Commands and bodies can be sent again, or messages arrive again. */
  reached(): void;
}

export interface RedisLinks {
  readonly small: RedisLink;
  /** Sending 50 MB must not hold up the renewal of a lease. */
  readonly bodies: RedisLink;
  readonly listen: RedisLink;
  /** What waits for the server's replicas holds up its connection. Undefined where no log events are put in. */
  readonly appends: RedisLink | undefined;
}

/** None is open yet: once `small` is, the others follow. */
export function openLinks(
  clock: Clock,
  log: Logger,
  health: RedisHealth,
  listener: LinksListener,
  channel: string,
  options: RedisOptions,
): RedisLinks {
  const link = (
    use: 'connection' | 'bodies' | 'listen',
    connect: ConnectRedis,
    prepare: RedisTask<unknown>,
  ): RedisLink =>
    new RedisLink(clock, connect, {
      connectTimeoutMs: options.connectTimeoutMs,
      log,
      prepare,
      // One connection is enough to try whether Redis is back, and to report that it is not.
      mayRetry: () => use === 'connection' || small.isOpen,
      onOpen: () => {
        // In a cluster this only shows that one node answers.
        health.worked(use);
        // The others will most likely succeed as well.
        for (const each of [small, bodies, listen, appends]) if (each) inBackground(each.open(), log);
        if (small.isOpen && bodies.isOpen) listener.reached();
      },
      onFault: (fault) => {
        health.failed(use, fault);
      },
    });
  const password = createPasswordReader(options);
  const connect: ConnectRedis = async (attempt) =>
    createCommandClient(clock, { ...options, password: await password() }, attempt);
  const connectToListen: ConnectRedis = async (attempt) =>
    createListenClient(clock, { ...options, password: await password() }, attempt).on(
      'message',
      (_channel: string, text: string) => {
        listener.heard(text);
      },
    );
  const small = link('connection', connect, checkServer(options));
  const bodies = link('bodies', connect, checkServer(options));
  const listen = link('listen', connectToListen, (client) => client.subscribe(channel));
  const appends = options.takesLogEvents ? link('bodies', connect, checkServer(options)) : undefined;
  return { small, bodies, listen, appends };
}

/** Makes sure that Redis can be used, and that sentinels led to the master. */
function checkServer({ address, db }: RedisOptions): RedisTask<void> {
  return async (client) => {
    await ifAllowed(client.ping());
    if (db !== 0) await client.select(db);
    if (address.kind !== 'sentinel') return;
    const role = await ifAllowed(client.call('role'));
    if (Array.isArray(role) && role[0] !== 'master') throw new RedisFault('read_only', 'ROLE');
  };
}

/** A user without permission for this command may still have every permission we need. */
async function ifAllowed(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    const fault = toRedisFault(error);
    if (fault.code === 'NOPERM') return undefined;
    throw fault;
  }
}
