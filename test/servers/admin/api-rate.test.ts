// How often /api/v1 is answered: so often at one time, so often a second, and what comes beyond that has to wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { guard } from '../../../src/servers/admin/admin-access.js';
import { addApiRoutes } from '../../../src/servers/admin/api-routes.js';
import { ChangeLog } from '../../../src/servers/admin/change-log.js';
import { ChangeStreams } from '../../../src/servers/admin/change-streams.js';
import type { OperatorApi } from '../../../src/servers/admin/operator-api.js';
import { BodyRoom } from '../../../src/servers/http/request-body.js';
import { ManualClock } from '../../fakes/manual-clock.js';

test('whoever asks too often waits a second', async () => {
  const clock = new ManualClock();
  const app = fastify();
  guard(app, undefined);
  const changes = new ChangeStreams(clock, new ChangeLog('test'), () => undefined);
  addApiRoutes(app, clock, { api: {} as OperatorApi, changes, bodies: new BodyRoom(1) });
  const ask = async (times: number): Promise<readonly number[]> => {
    const statuses: number[] = [];
    for (let asked = 0; asked < times; asked += 1)
      statuses.push((await app.inject('/api/v1/openapi.json')).statusCode);
    return statuses;
  };
  const count = (statuses: readonly number[], status: number): number =>
    statuses.filter((each) => each === status).length;
  const first = await ask(310);
  assert.deepEqual([count(first, 200), count(first, 429)], [300, 10]);
  assert.equal((await app.inject('/api/v1/openapi.json')).headers['retry-after'], '1');
  clock.advance(1_000);
  const next = await ask(60);
  assert.deepEqual([count(next, 200), count(next, 429)], [50, 10]);
  await app.close();
});
