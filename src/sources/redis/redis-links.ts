// The three connections to one Redis: for small commands, for bodies, and for listening.
import type { Clock } from '../../domain/clock.js';
import { createCommandClient, createListenClient, type RedisClient } from './redis-client.js';
import { RedisFault, toRedisFault } from './redis-fault.js';
import type { RedisHealth } from './redis-health.js';
import { RedisLink, type LinkOptions } from './redis-link.js';
import { CHANNEL } from './redis-names.js';
import type { RedisAddress } from '../../domain/redis-address.js';
import type { RedisOptions } from './redis-options.js';
import type { RedisSession } from './redis-session.js';

/** Within the time for connecting, which is mostly shorter. */
const PREPARE_DEADLINE_MS = 60_000;

export interface LinksListener {
  /** Text that came by the channel. */
  heard(text: string): void;
  /** Commands and bodies can be sent again, or messages come again. */
  reached(): void;
}

export interface RedisLinks {
  readonly small: RedisLink;
  /** 50 MB on their way must not hold up the renewal of a lease. */
  readonly bodies: RedisLink;
  readonly listen: RedisLink;
}

export function openLinks(
  clock: Clock,
  health: RedisHealth,
  listener: LinksListener,
  options: RedisOptions,
): RedisLinks {
  const { connectTimeoutMs } = options;
  const commandClient = (attempt: number): RedisClient => createCommandClient(options, attempt);
  const prepare = checkServer(options.address);
  /** Where one connection could be made, the others can. Word of it waits until bodies can be had as well. */
  const opened = (): void => {
    for (const link of [small, bodies, listen]) link.hurry();
    if (small.isOpen && bodies.isOpen) listener.reached();
  };
  const small = new RedisLink(clock, commandClient, {
    connectTimeoutMs,
    prepare,
    mayTry: () => true,
    onOpen: () => {
      // Of a cluster it says only that one node answers.
      health.worked('connection');
      opened();
    },
    onFault: (fault) => {
      health.failed('connection', fault);
    },
  });
  const behind = (use: 'bodies' | 'listen'): Omit<LinkOptions, 'prepare'> => ({
    connectTimeoutMs,
    // A Redis that is gone is tried by one connection, and told by one.
    mayTry: () => small.isOpen,
    onOpen: () => {
      health.worked(use);
      opened();
    },
    onFault: (fault) => {
      health.failed(use, fault);
    },
  });
  const bodies = new RedisLink(clock, commandClient, { ...behind('bodies'), prepare });
  const listenClient = (attempt: number): RedisClient => {
    const client = createListenClient(options, attempt);
    client.onMessage((text) => {
      listener.heard(text);
    });
    return client;
  };
  const listen = new RedisLink(clock, listenClient, { ...behind('listen'), prepare: subscribe });
  return { small, bodies, listen };
}

/** Whether what answers is a Redis that can be used, and the master where sentinels led us there. */
function checkServer(address: RedisAddress): LinkOptions['prepare'] {
  return async (session) => {
    await ask(session, 'ping');
    if (address.kind !== 'sentinel') return;
    const role = await ask(session, 'role');
    if (Array.isArray(role) && role[0] !== 'master') throw new RedisFault('read_only', 'ROLE');
  };
}

/** A user who may not ask that may still be allowed all we need. */
async function ask(session: RedisSession, name: string): Promise<unknown> {
  try {
    return await session.send({ name, parts: [], deadlineMs: PREPARE_DEADLINE_MS });
  } catch (error) {
    const fault = toRedisFault(error);
    if (fault.code === 'NOPERM') return undefined;
    throw fault;
  }
}

async function subscribe(session: RedisSession): Promise<void> {
  await session.send({ name: 'subscribe', parts: [CHANNEL], deadlineMs: PREPARE_DEADLINE_MS });
}
