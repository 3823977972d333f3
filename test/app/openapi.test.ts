// The description of /api/v1: it has every route and no other, and what the app answers is as it says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { addApiRoutes } from '../../src/servers/admin/api-routes.js';
import { guard } from '../../src/servers/admin/admin-access.js';
import { OPENAPI } from '../../src/servers/admin/openapi.js';
import type { Schema } from '../../src/servers/admin/openapi/schema-forms.js';
import { EXAMPLES } from '../../src/servers/admin/openapi/examples.js';
import { ChangeLog } from '../../src/servers/admin/change-log.js';
import { ChangeStreams } from '../../src/servers/admin/change-streams.js';
import type { OperatorApi } from '../../src/servers/admin/operator-api.js';
import { BodyRoom } from '../../src/servers/http/request-body.js';
import { eventually } from '../e2e/deadline.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { start } from './started-proxy.js';

interface Described {
  readonly responses: {
    readonly 200: {
      readonly content: {
        readonly 'application/json': { readonly schema: Schema; readonly example?: unknown };
      };
    };
  };
}

const PATHS = OPENAPI.paths as Readonly<Record<string, Partial<Record<'get' | 'post', Described>>>>;
const SCHEMAS = OPENAPI.components.schemas as Readonly<Record<string, Schema>>;

/** What of JSON Schema the description uses. Returns the names of the members that are described. */
function check(value: unknown, schema: Schema, at: string): ReadonlySet<string> {
  const { $ref, allOf = [], anyOf, items } = schema;
  if ($ref !== undefined) return check(value, SCHEMAS[$ref.split('/').at(-1) ?? ''] ?? assert.fail($ref), at);
  // Wherever one of several is described, the other is null.
  if (anyOf !== undefined) return value === null ? new Set() : check(value, anyOf[0] ?? assert.fail(at), at);
  checkValue(value, schema, at);
  const known = new Set(allOf.flatMap((each) => [...check(value, each, at)]));
  for (const [index, item] of (items === undefined ? [] : (value as unknown[])).entries())
    exact(item, items ?? {}, `${at}[${index}]`);
  for (const name of checkMembers(value, schema, at)) known.add(name);
  return known;
}

function checkValue(value: unknown, { type, enum: values }: Schema, at: string): void {
  if (values !== undefined) assert.ok(values.includes(value), `${at}: ${String(value)}`);
  if (type !== undefined) assert.ok([type].flat().includes(typeOf(value, type)), `${at}: ${String(value)}`);
}

function checkMembers(
  value: unknown,
  { properties = {}, required = [] }: Schema,
  at: string,
): readonly string[] {
  const members = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  for (const name of required) assert.ok(Object.hasOwn(members, name), `${at} has no ${name}`);
  for (const [name, member] of Object.entries(properties))
    if (Object.hasOwn(members, name)) exact(members[name], member, `${at}.${name}`);
  return Object.keys(properties);
}

function exact(value: unknown, schema: Schema, at: string): void {
  const known = check(value, schema, at);
  if (known.size === 0 || typeof value !== 'object' || value === null) return;
  for (const name of Object.keys(value)) assert.ok(known.has(name), `${at}.${name} is not described`);
}

function typeOf(value: unknown, wanted: string | readonly string[]): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return [wanted].flat().includes('integer') && Number.isInteger(value) ? 'integer' : typeof value;
}

test('each example is as its schema says', () => {
  for (const [name, example] of Object.entries(EXAMPLES))
    exact(example, SCHEMAS[name] ?? assert.fail(name), name);
  for (const [path, methods] of Object.entries(PATHS))
    for (const { responses } of Object.values(methods)) {
      const [content] = Object.values(responses[200].content);
      if (path !== '/api/v1/openapi.json')
        assert.ok(content?.example !== undefined, `${path} has no example`);
    }
});

test('it has every route, and no other', async () => {
  const app = fastify();
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat())
      if (each !== 'HEAD') routes.push(`${each.toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`);
  });
  guard(app, undefined);
  const clock = new ManualClock();
  addApiRoutes(app, clock, {
    api: {} as OperatorApi,
    changes: new ChangeStreams(clock, new ChangeLog('test'), () => undefined),
    bodies: new BodyRoom(1),
  });
  await app.ready();
  const described = Object.entries(PATHS).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  assert.deepEqual(described.sort(), routes.sort());
  await app.close();
});

test('what is answered is as it says, member by member', async (t) => {
  const { origin, proxy } = await start(t, {
    cache: 'local',
    args: ['-p', '1', '--data-dir', makeTemporaryFolder('openapi')],
  });
  const path = `${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`;
  assert.equal((await rawRequest(path)).status, 200);
  const first = origin.project.time;
  const name = { keyHash: hashSdkKey(SDK_KEY), api: 'v1', format: 'json' };
  const urlOf = (described: string): string =>
    proxy.adminUrl + described.replace(/\{(\w+)\}/g, (_all, part: string) => name[part as keyof typeof name]);
  const versions = Object.keys(PATHS).find((each) => each.endsWith('/versions')) ?? '';
  const hasVersions = (count: number): Promise<void> =>
    eventually(`${count} versions`, async () => {
      const { versions: listed } = JSON.parse((await rawRequest(urlOf(versions))).text) as {
        versions: object[];
      };
      return listed.length === count;
    });
  await hasVersions(1);
  origin.project = { ...origin.project, time: first + 1_000, isGateOpen: false };
  await hasVersions(2);
  const bodies: Readonly<Record<string, object>> = {
    freeze: { reason: 'x' },
    rollback: { reason: 'x', version: first },
    release: {},
  };
  const ask = async (described: string, method: 'get' | 'post', body?: object): Promise<void> => {
    const query = described.endsWith('/diff') ? `?from=${first}&to=${first + 1_000}` : '';
    const headers = { 'content-type': 'application/json' };
    const request = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    const { status, text } = await rawRequest(urlOf(described) + query, request);
    assert.equal(status, 200, `${described}: ${text}`);
    const { schema } =
      PATHS[described]?.[method]?.responses[200].content['application/json'] ?? assert.fail(described);
    exact(JSON.parse(text), schema, described);
  };
  for (const [action, body] of Object.entries(bodies)) {
    const described = Object.keys(PATHS).find((each) => each.endsWith(`/${action}`)) ?? '';
    await ask(described, 'post', body);
  }
  await eventually('audit', async () =>
    (await rawRequest(`${proxy.adminUrl}/api/v1/audit`)).text.includes('release'),
  );
  for (const [described, { get }] of Object.entries(PATHS))
    if (get !== undefined && !described.endsWith('/events')) await ask(described, 'get');
});
