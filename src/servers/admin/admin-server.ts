// The operators' own port: what this process holds and how it fares, and the probes; on loopback unless told otherwise.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { buildFastifyApp, type HttpApp, type HttpBounds } from '../http/fastify-app.js';
import { addProbeRoutes } from '../http/probe-routes.js';
import type { Readiness } from '../readiness.js';

/** `status` gives what /status answers; it is turned into JSON as it is. */
export function buildAdminServer(
  clock: Clock,
  log: Logger,
  readiness: Readiness,
  status: () => object,
  bounds: HttpBounds,
): HttpApp {
  const http = buildFastifyApp(clock, log, bounds);
  const { app } = http;
  addProbeRoutes(app, readiness);
  app.get('/status', (_request, reply) =>
    reply
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .send(Buffer.from(`${JSON.stringify(status(), null, 2)}\n`)),
  );
  return http;
}
