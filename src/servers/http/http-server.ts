// The public HTTP server: its routes, the headers every answer has, and an event for each answer where they are watched.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.js';
import { maskSdkKey } from '../../domain/sdk-key.js';
import type { Logger } from '../../observability/logger.js';
import type { ProxyEvents } from '../../observability/proxy-events.js';
import type { Readiness } from '../readiness.js';
import { buildFastifyApp, type HttpBounds } from './fastify-app.js';
import { PayloadReply } from './payload-reply.js';
import { addIdListFileRoutes, type IdListFileSource } from './id-list-file-routes.js';
import { addIdListRoutes, type IdListOptions, type Rewrite } from './id-list-routes.js';
import { addLogEventRoutes, type LogEventSink } from './log-event-routes.js';
import { addProbeRoutes } from './probe-routes.js';
import { addSpecRoutes, namedKey, type SpecSource } from './spec-routes.js';

export interface HttpServerOptions extends HttpBounds {
  /** Sent as `x-sfp-hostname`: which replica answered. */
  readonly instanceName: string;
  /** Of one body of log events, as it travels. */
  readonly logEventBodyBytesMax: number;
  readonly idLists: IdListOptions;
}

/** What the routes answer from. */
export interface HttpSources {
  readonly specs: SpecSource;
  readonly logEvents: LogEventSink;
  readonly rewriteManifest: Rewrite;
  readonly idListFiles: IdListFileSource;
}

/** Building is not listening: the caller does that, and closes. */
export function buildHttpServer(
  clock: Clock,
  log: Logger,
  events: ProxyEvents,
  sources: HttpSources,
  readiness: Readiness,
  options: HttpServerOptions,
): FastifyInstance {
  const app = buildFastifyApp(clock, log, options);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('x-sfp-hostname', options.instanceName);
    if (readiness.phase === 'draining') reply.header('connection', 'close');
    done();
  });
  if (events.isWatched) recordAnswers(app, events);
  addProbeRoutes(app, readiness);
  const payloadReply = new PayloadReply(clock);
  addSpecRoutes(app, sources.specs, payloadReply, options.bodies);
  addIdListRoutes(app, sources.specs, sources.rewriteManifest, payloadReply, options.idLists);
  addIdListFileRoutes(app, sources.idListFiles);
  addLogEventRoutes(app, sources.logEvents, options.bodies, options.logEventBodyBytesMax);
  return app;
}

function recordAnswers(app: FastifyInstance, events: ProxyEvents): void {
  app.addHook('onResponse', (request, reply, done) => {
    events.record(reply.statusCode < 400 ? 'HttpServerRequestSuccess' : 'HttpServerRequestFailed', {
      // The route, without the place of the key in it.
      path: request.routeOptions.url?.replace(/\/:\w+$/, '') ?? 'unknown',
      ...maskedKey(request),
      latencyMs: reply.elapsedTime,
      status: reply.statusCode,
    });
    done();
  });
}

function maskedKey(request: FastifyRequest): { readonly sdkKey?: string } {
  const sdkKey = namedKey(request);
  return sdkKey === undefined ? {} : { sdkKey: maskSdkKey(sdkKey) };
}
