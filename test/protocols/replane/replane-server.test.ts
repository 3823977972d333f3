// The double of a whole Replane server, changed by its admin API: what SDKs are told of it, when, and what they are never told.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ReplaneServer } from '../../fakes/replane/replane-server.js';
import { StreamClient } from '../../fakes/replane/stream-client.js';

const SYNC = { path: '/api/sdk/v1/testing/sync' };

interface Scene {
  readonly server: ReplaneServer;
  readonly projectId: string;
  readonly environments: readonly { readonly id: string; readonly name: string }[];
  readonly sdkKey: string;
  readonly keyId: string;
  readonly admin: (
    method: string,
    path: string,
    body?: object,
    superuserKey?: string,
  ) => Promise<{ readonly status: number; readonly body: unknown }>;
  /** Creates it where there is none. */
  readonly put: (
    name: string,
    value: unknown,
    more?: { readonly overrides?: readonly object[]; readonly variants?: readonly object[] },
  ) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
  readonly open: (sdkKey?: string) => Promise<StreamClient>;
  readonly sync: () => Promise<void>;
}

async function start(t: TestContext): Promise<Scene> {
  const server = await ReplaneServer.start('the superuser');
  t.after(() => server.stop());
  const admin: Scene['admin'] = async (method, path, body, key = 'the superuser') => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const url = `${server.adminUrl}/api/admin/v1${path}`;
    const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return { status: answer.status, body: answer.status === 204 ? undefined : await answer.json() };
  };
  const made = async (path: string, body: object): Promise<{ readonly id: string; readonly key: string }> => {
    const { status, body: answer } = await admin('POST', path, body);
    assert.equal(status, 201);
    return answer as { id: string; key: string };
  };
  const { id: workspaceId } = await made('/workspaces', { name: 'w' });
  const { id: projectId } = await made(`/workspaces/${workspaceId}/projects`, { name: 'p', description: '' });
  const project = `/projects/${projectId}`;
  const { environments } = (await admin('GET', `${project}/environments`)).body as Scene;
  const environmentId = environments[0]?.id;
  const { id: keyId, key: sdkKey } = await made(`${project}/sdk-keys`, { name: 'k', environmentId });
  const sync = async (): Promise<void> => {
    const client = await new StreamClient(server.origin.url, sdkKey, SYNC).over();
    assert.equal(client.text, '{"status":"synced"}');
  };
  await sync();
  return {
    ...{ server, projectId, environments, sdkKey, keyId, admin, sync },
    put: async (name, value, { overrides = [], variants = [] } = {}) => {
      const fields = { description: '', editors: [], base: { value, schema: null, overrides }, variants };
      const { status } = await admin('PUT', `${project}/configs/${name}`, fields);
      if (status === 404) await made(`${project}/configs`, { name, ...fields });
    },
    remove: async (name) => {
      assert.equal((await admin('DELETE', `${project}/configs/${name}`)).status, 204);
    },
    open: async (key = sdkKey) => {
      const client = new StreamClient(server.origin.url, key);
      t.after(() => {
        client.close();
      });
      return await client.answered();
    },
  };
}

test('creations and changes are told, deletions are not, and a config that comes back is at version 1', async (t) => {
  const { put, remove, open, sync, server, projectId } = await start(t);
  const { database } = server;
  const client = await (await open()).received('"init"');
  await put('a', 1);
  await sync();
  // Of changes between two looks of the replica only the newest is known to it.
  for (const value of [2, 3])
    database.updateConfig(projectId, 'a', { base: { value, overrides: [] }, variants: [] });
  assert.equal(database.config(projectId, 'a').version, 3);
  await sync();
  await remove('a');
  await sync();
  assert.deepEqual((await (await open()).received('"init"')).frames, [{ type: 'init', configs: [] }]);
  await put('a', 3);
  await sync();
  assert.equal(database.config(projectId, 'a').version, 1);
  await put('end', true);
  await client.received('"end"');
  assert.deepEqual(client.valuesOf('a'), [1, 3, 3]);
});

test('references come as values: whoever refers to a config is told when that changes, and not when it is deleted', async (t) => {
  const { put, remove, open, sync, projectId } = await start(t);
  const refersTo = (path: (string | number)[]): object => ({
    operator: 'in',
    property: 'plan',
    value: { type: 'reference', projectId, configName: 'plans', path },
  });
  const condition = { operator: 'not', condition: { operator: 'and', conditions: [refersTo(['paid', 1])] } };
  await put('plans', { paid: ['pro', 'ent'] });
  await put('flag', false, {
    overrides: [{ name: 'o', conditions: [condition, refersTo(['none'])], value: true }],
  });
  await sync();
  const client = await (await open()).received('"init"');
  const overrides = (value: string): string =>
    `"overrides":[{"name":"o","value":true,"conditions":[{"operator":"not","condition":{"operator":"and","conditions":[{"operator":"in","property":"plan"${value}}]}},{"operator":"in","property":"plan"}]}]`;
  assert.ok(client.text.includes(overrides(',"value":"ent"')), client.text);
  await put('plans', { paid: ['pro', 'biz'] });
  await sync();
  await client.received(`"name":"flag",${overrides(',"value":"biz"')}`);
  await remove('plans');
  await sync();
  assert.ok((await (await open()).received('"init"')).text.includes(overrides('')));
  await put('end', true);
  await client.received('"end"');
  assert.equal(client.valuesOf('flag').length, 2);
});

test('a key is of one environment; deleted, it keeps its stream, and is remembered for a minute as good', async (t) => {
  const { put, open, sync, admin, projectId, environments, sdkKey, keyId } = await start(t);
  const [, development] = environments;
  const environmentId = development?.id ?? '';
  const variant = {
    environmentId,
    value: 'of development',
    overrides: [],
    schema: null,
    useBaseSchema: true,
  };
  await put('a', 'of all', { variants: [variant] });
  const { body } = await admin('POST', `/projects/${projectId}/sdk-keys`, { name: 'd', environmentId });
  await sync();
  const { key } = body as { key: string };
  assert.deepEqual((await (await open(key)).received('"init"')).valuesOf('a'), ['of development']);
  const client = await (await open()).received('"init"');
  assert.deepEqual(client.valuesOf('a'), ['of all']);
  assert.equal((await admin('DELETE', `/projects/${projectId}/sdk-keys/${keyId}`)).status, 204);
  await sync();
  await put('a', 'later');
  await client.received('later');
  assert.equal((await open(sdkKey)).status, 200);
  const unused = await admin('POST', `/projects/${projectId}/sdk-keys`, { name: 'u', environmentId });
  const { id, key: unusedKey } = unused.body as { id: string; key: string };
  await sync();
  assert.equal((await admin('DELETE', `/projects/${projectId}/sdk-keys/${id}`)).status, 204);
  await sync();
  assert.equal((await open(unusedKey)).status, 401);
});

test('the admin API refuses what Replane refuses', async (t) => {
  const { admin, put, projectId } = await start(t);
  await put('a', 1);
  const config = { name: 'a', description: '', editors: [], base: { value: 1, overrides: [] }, variants: [] };
  const project = `/projects/${projectId}`;
  const cases: readonly (readonly [string, string, object | undefined, number])[] = [
    ['POST', `${project}/configs`, config, 400],
    ['POST', `${project}/configs`, { ...config, name: '' }, 400],
    ['POST', `${project}/configs`, { name: 'b' }, 400],
    ['PUT', `${project}/configs/b`, config, 404],
    ['DELETE', `${project}/configs/b`, undefined, 404],
    ['POST', `${project}/sdk-keys`, { name: 'k', environmentId: 'none' }, 400],
    ['DELETE', `${project}/sdk-keys/none`, undefined, 404],
    ['GET', '/projects/none/configs', undefined, 404],
    ['POST', '/workspaces/none/projects', { name: 'p' }, 404],
    ['DELETE', project, undefined, 400],
    ['DELETE', '/workspaces/none', undefined, 404],
    ['GET', '/none', undefined, 404],
  ];
  for (const [method, path, body, status] of cases)
    assert.equal((await admin(method, path, body)).status, status, `${method} ${path}`);
  assert.equal((await admin('POST', '/workspaces', { name: 'w' }, 'somebody')).status, 401);
});
