// The operators' own port: what this process holds and how it fares, and the probes; each route says who may have it.
import type { Authority } from '../../auth/authority.js';
import { READ } from '../../auth/scopes.js';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import { buildFastifyApp, type HttpApp, type HttpBounds } from '../http/fastify-app.js';
import { addProbeRoutes } from '../http/probe-routes.js';
import type { Readiness } from '../readiness.js';
import { guard } from './admin-access.js';
import { addApiRoutes } from './api-routes.js';
import type { ChangeStreams } from './change-streams.js';
import type { OperatorApi } from './operator-api.js';
import { addPageRoutes } from './page-routes.js';
import { addProfileRoutes, type ProfileSource } from './profile-routes.js';

export interface AdminPages {
  /** What /status answers, with the SDK keys to show one by one; it is turned into JSON as it is. */
  readonly status: (keys: string | undefined) => object;
  /** What /metrics answers. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** What /api/v1 answers. */
  readonly api: OperatorApi;
  /** What /api/v1/events tells. */
  readonly changes: ChangeStreams;
  /** What /debug/pprof answers. */
  readonly profiles: ProfileSource;
}

interface StatusQuery {
  readonly Querystring: { readonly keys?: string | string[] };
}

export function buildAdminServer(
  clock: Clock,
  log: Logger,
  readiness: Readiness,
  { status, metrics, api, changes, profiles }: AdminPages,
  authority: Authority | undefined,
  bounds: HttpBounds,
): HttpApp {
  const http = buildFastifyApp(clock, log, bounds);
  const { app } = http;
  guard(app, authority);
  addProbeRoutes(app, readiness);
  addPageRoutes(app);
  app.get<StatusQuery>('/status', { config: { needs: READ } }, ({ query }, reply) => {
    const { keys } = query;
    const text = JSON.stringify(status(Array.isArray(keys) ? keys.join(',') : keys), null, 2);
    return reply
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .send(Buffer.from(`${text}\n`));
  });
  app.get('/metrics', { config: { needs: 'nothing' } }, async (_request, reply) => {
    const text = await metrics.text();
    return reply
      .header('content-type', metrics.contentType)
      .header('cache-control', 'no-store')
      .send(Buffer.from(text));
  });
  addApiRoutes(app, clock, { api, changes, bodies: bounds.bodies });
  addProfileRoutes(app, profiles);
  return http;
}
