// The operators' own port: what this process holds and how it fares, and the probes; on loopback unless told otherwise.
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { buildFastifyApp, type HttpBounds } from '../http/fastify-app.js';
import { addProbeRoutes } from '../http/probe-routes.js';
import type { Readiness } from '../readiness.js';

export interface AdminPages {
  /** What /status answers; it is turned into JSON as it is. */
  readonly status: () => object;
  /** What /metrics answers. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export function buildAdminServer(
  clock: Clock,
  log: Logger,
  readiness: Readiness,
  { status, metrics }: AdminPages,
  bounds: HttpBounds,
): FastifyInstance {
  const app = buildFastifyApp(clock, log, bounds);
  addProbeRoutes(app, readiness);
  app.get('/status', (_request, reply) =>
    reply
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .send(Buffer.from(`${JSON.stringify(status(), null, 2)}\n`)),
  );
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply
      .header('content-type', metrics.contentType)
      .header('cache-control', 'no-store')
      .send(Buffer.from(text));
  });
  return app;
}
