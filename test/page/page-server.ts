// The page and its API on a port of their own, before whatever a test has for a proxy.
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/domain/clock.js';
import { guard } from '../../src/servers/admin/admin-access.js';
import { addApiRoutes } from '../../src/servers/admin/api-routes.js';
import { ChangeLog } from '../../src/servers/admin/change-log.js';
import { ChangeStreams } from '../../src/servers/admin/change-streams.js';
import type { OperatorApi } from '../../src/servers/admin/operator-api.js';
import { addPageRoutes } from '../../src/servers/admin/page-routes.js';
import { buildFastifyApp } from '../../src/servers/http/fastify-app.js';
import { httpBounds } from '../fakes/http-bounds.js';
import { listenHttp } from '../fakes/listening-app.js';
import { createTestLog } from '../fakes/log-sink.js';

export interface PageServer {
  readonly url: string;
  readonly log: ChangeLog;
  readonly streams: ChangeStreams;
}

/** `api`: as much of it as the views ask for that the test shows. */
export async function servePage(
  t: TestContext,
  clock: Clock,
  api: Partial<OperatorApi>,
): Promise<PageServer> {
  const log = new ChangeLog('epoch');
  const streams = new ChangeStreams(clock, log, () => undefined);
  const bounds = httpBounds();
  const http = buildFastifyApp(clock, createTestLog(), bounds);
  guard(http.app, undefined);
  addPageRoutes(http.app);
  addApiRoutes(http.app, clock, { api: api as OperatorApi, changes: streams, bodies: bounds.bodies });
  const { number } = await listenHttp(t, http);
  return { url: `http://127.0.0.1:${number}`, log, streams };
}
