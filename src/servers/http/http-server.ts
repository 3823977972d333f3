// The public HTTP server: its routes, the headers every answer has, and an event for each answer.
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import type { ProxyEvents } from '../../observability/proxy-events.js';
import type { Tracing } from '../../observability/tracing.js';
import type { Readiness } from '../readiness.js';
import { AnsweredRequest } from './answered-request.js';
import { FastifyExchange, type NamedKey } from './fastify-exchange.js';
import { buildFastifyApp, SOCKET_IDLE_MS_MAX, type HttpApp, type HttpBounds } from './fastify-app.js';
import { FastLane, type PreparedAnswers } from './fast-lane/fast-lane.js';
import { addProbeRoutes } from './probe-routes.js';
import { traceRequests } from './traced-requests.js';

export interface HttpServerOptions extends HttpBounds {
  /** Sent as `x-sfp-hostname`: which replica answered. */
  readonly instanceName: string;
  /** The SDK key that a request names, for events. */
  readonly namedKey: NamedKey;
  /** Undefined where no traces are wanted. */
  readonly tracing?: Tracing | undefined;
  /** Undefined for a server in which every request goes by Node's parser and the routes. */
  readonly prepared: PreparedAnswers | undefined;
}

/** Adds the routes of a protocol. */
export type AddRoutes = (app: FastifyInstance) => void;

export function buildHttpServer(
  clock: Clock,
  log: Logger,
  events: ProxyEvents,
  readiness: Readiness,
  options: HttpServerOptions,
  addRoutes: readonly AddRoutes[],
): HttpApp {
  const http = buildFastifyApp(clock, log, options);
  const { app } = http;
  const headers = { 'x-sfp-hostname': options.instanceName };
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers);
    // HTTP/2 has a frame of its own for that.
    if (readiness.phase === 'draining' && request.raw.httpVersionMajor < 2)
      reply.header('connection', 'close');
    done();
  });
  recordAnswers(app, events, options.namedKey);
  if (options.tracing !== undefined) traceRequests(app, options.tracing, options.namedKey);
  addProbeRoutes(app, readiness);
  for (const add of addRoutes) add(app);
  if (options.prepared === undefined) return http;
  const { keepAliveMs } = options.timeouts;
  const timeouts = { keepAliveMs, idleMs: SOCKET_IDLE_MS_MAX };
  const lane = new FastLane(clock, { readiness, events }, options.prepared, http.accept, {
    headers,
    ...timeouts,
  });
  return {
    ...http,
    accept: lane.accept,
    closeIdle: () => {
      lane.closeIdle();
      http.closeIdle();
    },
  };
}

function recordAnswers(app: FastifyInstance, events: ProxyEvents, namedKey: NamedKey): void {
  const exchange = new FastifyExchange(namedKey);
  const answered = new AnsweredRequest();
  app.addHook('onResponse', (request, reply, done) => {
    const name = reply.statusCode < 400 ? 'HttpServerRequestSuccess' : 'HttpServerRequestFailed';
    events.record(name, answered.of(exchange.of(request, reply)));
    done();
  });
}
