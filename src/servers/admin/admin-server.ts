// The operators' own port: what this process holds and how it fares, and the probes; on loopback unless told otherwise.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { buildFastifyApp, type HttpApp, type HttpBounds } from '../http/fastify-app.js';
import { addProbeRoutes } from '../http/probe-routes.js';
import type { Readiness } from '../readiness.js';

/** `status` gives what /status answers, with the SDK keys to show one by one; it is turned into JSON as it is. */
export function buildAdminServer(
  clock: Clock,
  log: Logger,
  readiness: Readiness,
  status: (keys: string | undefined) => object,
  bounds: HttpBounds,
): HttpApp {
  const http = buildFastifyApp(clock, log, bounds);
  const { app } = http;
  addProbeRoutes(app, readiness);
  app.get<{ Querystring: { readonly keys?: string | string[] } }>('/status', ({ query }, reply) => {
    const { keys } = query;
    const text = JSON.stringify(status(Array.isArray(keys) ? keys.join(',') : keys), null, 2);
    return reply
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .send(Buffer.from(`${text}\n`));
  });
  return http;
}
