// Connections of HTTP/1.1 to one origin: as many as there are requests, some kept for long, all of them for a while.
import type { Dispatcher } from 'undici';
import type { Clock } from '../../domain/clock.js';
import type { Connect } from './connect.js';
import { RUSH_IDLE_MS_MAX } from './connection-age.js';
import type { AnswerHandler, AnswerLimits } from './answer-handler.js';
import { inTime } from './answer-watch.js';
import { Client, Pool } from './undici.js';

export interface H1Options extends AnswerLimits {
  /** Connections that stay open between requests; others close soon after the rush they were opened for. */
  readonly idleConnectionsMax: number;
  /** How long they stay so. */
  readonly idleConnectionMs: number;
}

export function createH1Pool(clock: Clock, origin: URL, options: H1Options, connect: Connect): Pool {
  const kept = new Set<Client>();
  const pool = new Pool(origin, {
    connect,
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (url: URL, poolOptions: object) => {
      const isKept = kept.size < options.idleConnectionsMax;
      const { idleConnectionMs } = options;
      const idleMs = isKept ? idleConnectionMs : Math.min(RUSH_IDLE_MS_MAX, idleConnectionMs);
      const client = new Client(url, {
        ...poolOptions,
        keepAliveTimeout: idleMs,
        keepAliveMaxTimeout: idleMs,
      });
      if (isKept) kept.add(client);
      client.on('connectionError', () => kept.delete(client));
      return client;
    },
  });
  const dispatch = pool.dispatch.bind(pool);
  const dispatchInTime = (
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean =>
    dispatch(request, inTime(clock, options, handler as AnswerHandler) as Dispatcher.DispatchHandler);
  return Object.assign(pool, { dispatch: dispatchInTime });
}
