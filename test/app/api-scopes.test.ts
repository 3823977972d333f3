// Every route of the admin port by every kind of token: the routes are what the server has, so none can be forgotten here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { keyScope } from '../../src/auth/scopes.js';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { guard } from '../../src/servers/admin/admin-access.js';
import { addApiRoutes } from '../../src/servers/admin/api-routes.js';
import { ChangeLog } from '../../src/servers/admin/change-log.js';
import { ChangeStreams } from '../../src/servers/admin/change-streams.js';
import { OPENAPI } from '../../src/servers/admin/openapi.js';
import type { OperatorApi } from '../../src/servers/admin/operator-api.js';
import { BodyRoom } from '../../src/servers/http/request-body.js';
import { tokenLine } from '../auth/issuer.js';
import { EventClient } from '../fakes/event-client.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { temporaryFile } from '../process/temporary-file.js';
import { start } from './started-proxy.js';

const SPEC = '/api/v1/specs/{keyHash}/{api}/{format}';
const [READ, OF_KEY, OPERATE, EVERYBODY] = ['read', 'of key', 'operate', 'everybody'] as const;

/** What is needed: a row for each route. */
const NEEDS: Readonly<Record<string, typeof READ | typeof OF_KEY | typeof OPERATE | typeof EVERYBODY>> = {
  'GET /api/v1/openapi.json': EVERYBODY,
  'GET /api/v1/status': READ,
  'GET /api/v1/specs': READ,
  [`GET ${SPEC}`]: OF_KEY,
  [`GET ${SPEC}/versions`]: OF_KEY,
  [`GET ${SPEC}/diff`]: OF_KEY,
  [`GET ${SPEC}/clients`]: OF_KEY,
  'GET /api/v1/clients': READ,
  'GET /api/v1/replicas': READ,
  'GET /api/v1/log-events': READ,
  'GET /api/v1/id-lists': READ,
  'GET /api/v1/settings': READ,
  'GET /api/v1/holds': READ,
  'GET /api/v1/audit': READ,
  'GET /api/v1/events': READ,
  [`POST ${SPEC}/freeze`]: OPERATE,
  [`POST ${SPEC}/rollback`]: OPERATE,
  [`POST ${SPEC}/refuse`]: OPERATE,
  [`POST ${SPEC}/release`]: OPERATE,
  [`POST ${SPEC}/evaluate`]: OF_KEY,
};

const TOKENS = {
  reader: 'sfp::read',
  operator: 'sfp::operate',
  both: 'sfp::read,sfp::operate',
  ofKey: keyScope(SDK_KEY),
  ofOther: keyScope('secret-another-0123456789'),
} as const;

const MAY: Readonly<Record<(typeof NEEDS)[string], readonly (keyof typeof TOKENS | 'none' | 'wrong')[]>> = {
  [EVERYBODY]: ['none', 'wrong', 'reader', 'operator', 'both', 'ofKey', 'ofOther'],
  [READ]: ['reader', 'both'],
  [OF_KEY]: ['reader', 'both', 'ofKey'],
  [OPERATE]: ['operator', 'both'],
};

async function routes(): Promise<readonly string[]> {
  const app = fastify();
  const found: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat())
      if (each !== 'HEAD') found.push(`${each} ${url.replace(/:(\w+)/g, '{$1}')}`);
  });
  guard(app, undefined);
  const clock = new ManualClock();
  const changes = new ChangeStreams(clock, new ChangeLog('test'), () => undefined);
  addApiRoutes(app, clock, { api: {} as OperatorApi, changes, bodies: new BodyRoom(1) });
  await app.ready();
  await app.close();
  return found;
}

test('each route has its row, and none has one that is not there', async () => {
  assert.deepEqual((await routes()).toSorted(), Object.keys(NEEDS).sort());
});

test('each route is described with the scope that it needs', () => {
  const described = OPENAPI.paths as Readonly<
    Record<string, Record<string, { readonly description: string }>>
  >;
  const texts = {
    [EVERYBODY]: 'Scope: none.',
    [READ]: 'Scope: sfp::read.',
    [OF_KEY]: 'Scope: sfp::read, or sfp:: and the hash of this key.',
    [OPERATE]: 'Scope: sfp::operate.',
  };
  for (const [route, needs] of Object.entries(NEEDS)) {
    const [method = '', path = ''] = route.split(' ');
    assert.equal(described[path]?.[method.toLowerCase()]?.description, texts[needs], route);
  }
});

test('each token gets what its scopes are good for, and nothing else', async (t) => {
  const lines = Object.entries(TOKENS).map(([name, scopes]) => tokenLine(name, scopes));
  const { proxy } = await start(t, { args: ['--tokens-file', temporaryFile(t, lines.join('\n'))] });
  assert.equal((await rawRequest(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`)).status, 200);
  const name = { keyHash: hashSdkKey(SDK_KEY), api: 'v1', format: 'json' };
  const patience = { perS: 20, asked: 0 };
  for (const [route, needs] of Object.entries(NEEDS)) {
    const [method = '', described = ''] = route.split(' ');
    const path = described.replace(/\{(\w+)\}/g, (_all, part: string) => name[part as keyof typeof name]);
    for (const who of ['none', 'wrong', ...Object.keys(TOKENS)] as const) {
      // Of bad tokens, twenty a minute are looked at.
      if (who === 'wrong' && patience.asked >= patience.perS - 1) continue;
      if (who === 'wrong') patience.asked += 1;
      const status = await ask(proxy.adminUrl + path, method, who);
      const isLetIn = status !== 401 && status !== 403;
      assert.equal(isLetIn, MAY[needs].includes(who as 'none'), `${who}: ${route} ${status}`);
      if (!isLetIn) assert.equal(status, who === 'none' || who === 'wrong' ? 401 : 403, `${who}: ${route}`);
    }
  }
});

/** With a body that says nothing: who is let in is told so. Asks again where the API is asked too often. */
async function ask(url: string, method: string, who: string): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    ...(who !== 'none' && { authorization: `Bearer ${who}` }),
  };
  for (;;) {
    const status = url.endsWith('/events')
      ? await statusOfStream(url, headers)
      : (await rawRequest(url, { method, headers, ...(method === 'POST' && { body: '[]' }) })).status;
    if (status !== 429) return status;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function statusOfStream(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const client = new EventClient(url, headers);
  const { statusCode = 0 } = await client.answer;
  client.close();
  return statusCode;
}
