// The operators' own port: what this process holds and how it fares, and the probes; on loopback unless told otherwise.
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { buildFastifyApp, type HttpApp, type HttpBounds } from '../http/fastify-app.js';
import { addProbeRoutes } from '../http/probe-routes.js';
import type { Readiness } from '../readiness.js';

export interface AdminPages {
  /** What /status answers, with the SDK keys to show one by one; it is turned into JSON as it is. */
  readonly status: (keys: string | undefined) => object;
  /** What /metrics answers. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export function buildAdminServer(
  clock: Clock,
  log: Logger,
  readiness: Readiness,
  { status, metrics }: AdminPages,
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
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply
      .header('content-type', metrics.contentType)
      .header('cache-control', 'no-store')
      .send(Buffer.from(text));
  });
  return http;
}
