// Replane's projects as operators see and hold them through the admin port: listed, frozen, rolled back, compared and tried.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { rawRequest } from '../fakes/raw-request.js';
import { refusal } from '../fakes/replane/stream-plan.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { sharedScene } from './replane-scene.js';

const REASON = { reason: 'limits misbehave' };

interface Version {
  readonly version: number;
  readonly source: string;
}

const scene = await sharedScene({
  cache: 'local',
  args: ['--data-dir', makeTemporaryFolder('replane-operators')],
});

function specOf(sdkKey: string): string {
  return `/api/v1/specs/${hashSdkKey(sdkKey)}/replane/json`;
}

async function get<Answer>(path: string): Promise<Answer> {
  const { status, text } = await rawRequest(`${scene.proxy.adminUrl}${path}`);
  assert.equal(status, 200, text);
  return JSON.parse(text) as Answer;
}

async function post(path: string, body: object): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json' };
  const url = `${scene.proxy.adminUrl}${path}`;
  return await rawRequest(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function order(path: string, body: object): Promise<void> {
  const { status, text } = await post(path, body);
  assert.equal(status, 200, text);
}

/** The oldest first. */
async function hasVersions(sdkKey: string, count: number): Promise<readonly number[]> {
  let found: readonly Version[] = [];
  await eventually(`${count} versions`, async () => {
    ({ versions: found } = await get<{ versions: readonly Version[] }>(`${specOf(sdkKey)}/versions`));
    return found.length === count;
  });
  return found.map(({ version }) => version).reverse();
}

async function valueForNewClient(sdkKey: string, name: string): Promise<unknown> {
  const app = scene.app(sdkKey);
  await app.connect();
  return app.get(name);
}

test('a project is listed among specs, and its changes are versions and audit lines', async () => {
  const { sdkKey, project } = scene.origin.addKey();
  project.set('limits', 1);
  const app = scene.app(sdkKey);
  await app.connect();
  const [first] = await hasVersions(sdkKey, 1);
  project.set('limits', 2);
  const [, second] = await hasVersions(sdkKey, 2);
  const keyHash = hashSdkKey(sdkKey);
  const { specs } = await get<{ specs: Record<string, unknown>[] }>(`/api/v1/specs?search=${keyHash}`);
  assert.deepEqual(
    specs.map(({ api, format, version, state, streams }) => [api, format, version, state, streams]),
    [['replane', 'json', second, 'ok', 1]],
  );
  assert.ok(!JSON.stringify(specs).includes(sdkKey));
  const one = await get<{ version: number }>(specOf(sdkKey));
  assert.equal(one.version, second);
  const { lines } = await get<{ lines: Record<string, unknown>[] }>('/api/v1/audit');
  assert.deepEqual(
    lines
      .filter((line) => line['keyHash'] === keyHash)
      .map((line) => [line['action'], line['api'], line['old'], line['new']]),
    [
      ['version', 'replane', null, first],
      ['version', 'replane', first, second],
    ],
  );
});

/** Versions that came so far, served or not. */
async function heard(sdkKey: string): Promise<number> {
  const { polls } = await get<{ polls: { outcomes: { kind: string; count: number }[] } }>(specOf(sdkKey));
  return polls.outcomes.reduce((sum, { kind, count }) => sum + (kind === 'updated' ? count : 0), 0);
}

function streamsAskedFor(sdkKey: string): number {
  return scene.origin.requests.filter((request) => request.sdkKey === sdkKey).length;
}

test('while a project is frozen nobody gets a newer change, its stream stays, and its release brings all of them', async () => {
  const { sdkKey, project } = scene.origin.addKey();
  project.set('limits', 1);
  project.set('flag', false);
  const app = scene.app(sdkKey);
  app.subscribe('limits');
  await app.connect();
  await order(`${specOf(sdkKey)}/freeze`, REASON);
  project.set('limits', 2);
  project.set('flag', true);
  await eventually('both changes', async () => (await heard(sdkKey)) === 3);
  assert.deepEqual([app.get('limits'), app.get('flag')], [1, false]);
  assert.equal(await valueForNewClient(sdkKey, 'limits'), 1);
  assert.deepEqual([scene.origin.openStreams(sdkKey), streamsAskedFor(sdkKey)], [1, 1]);
  await order(`${specOf(sdkKey)}/release`, {});
  await eventually('the newest', () => app.get('limits') === 2 && app.get('flag') === true);
  assert.deepEqual(app.told['limits']?.at(-1), 2);
  assert.equal(streamsAskedFor(sdkKey), 2);
  project.set('limits', 3);
  await eventually('what comes after it', () => app.get('limits') === 3);
});

test('where all cannot be read again at a release, the next change brings what was held back as well', async (t) => {
  const { sdkKey, project } = scene.origin.addKey();
  project.set('limits', 1);
  project.set('flag', false);
  const app = scene.app(sdkKey);
  await app.connect();
  await order(`${specOf(sdkKey)}/freeze`, REASON);
  project.set('limits', 2);
  await eventually('the change', async () => (await heard(sdkKey)) === 2);
  scene.origin.plan = (request) => (request.sdkKey === sdkKey ? refusal(503, 'away') : {});
  t.after(() => {
    scene.origin.plan = () => ({});
  });
  await order(`${specOf(sdkKey)}/release`, {});
  await eventually('the refusal', () => streamsAskedFor(sdkKey) > 1);
  project.set('flag', true);
  await eventually('the next change', () => app.get('flag') === true);
  assert.equal(app.get('limits'), 2);
});

test('an earlier version goes out to clients that run, and the newest after its release', async () => {
  const { sdkKey, project } = scene.origin.addKey();
  project.set('limits', 1);
  project.set('flag', 'as it was');
  const app = scene.app(sdkKey);
  await app.connect();
  const [first] = await hasVersions(sdkKey, 1);
  project.set('limits', 666);
  await eventually('the bad value', () => app.get('limits') === 666);
  await hasVersions(sdkKey, 2);
  await order(`${specOf(sdkKey)}/rollback`, { ...REASON, version: first });
  await eventually('the former value', () => app.get('limits') === 1);
  assert.equal(app.get('flag'), 'as it was');
  project.set('limits', 667);
  await eventually('the change', async () => (await heard(sdkKey)) === 3);
  assert.equal(await valueForNewClient(sdkKey, 'limits'), 1);
  assert.deepEqual([scene.origin.openStreams(sdkKey), streamsAskedFor(sdkKey)], [1, 1], 'its stream stays');
  const { holds } = await get<{ holds: { keyHash: string; action: string; bodyOf: number }[] }>(
    '/api/v1/holds',
  );
  const hold = holds.find(({ keyHash }) => keyHash === hashSdkKey(sdkKey));
  assert.deepEqual([hold?.action, hold?.bodyOf], ['rollback', first]);
  await order(`${specOf(sdkKey)}/release`, {});
  await eventually('the newest', () => app.get('limits') === 667);
});

interface ShownDiff {
  readonly groups: {
    readonly configs: {
      readonly added: object;
      readonly removed: object;
      readonly changed: object;
      readonly details: readonly object[];
    };
  };
}

test('two versions are compared: configs that came and went, and values and overrides before and after', async () => {
  const { sdkKey, project } = scene.origin.addKey();
  const conditions = [{ operator: 'equals', property: 'plan', value: 'pro' }] as const;
  project.set('same', 1);
  project.set('gone', 1);
  project.set('limits', { rps: 1 }, [{ name: 'for pro', conditions, value: 5 }]);
  await scene.app(sdkKey).connect();
  await hasVersions(sdkKey, 1);
  project.delete('gone');
  // Told of, and with its members in another order: it does not differ.
  project.set('same', 1);
  project.set('new', 'x'.repeat(5_000));
  project.set('limits', { rps: 2 }, [
    { name: 'for pro', conditions, value: 7 },
    { name: 'for all', conditions: [], value: 0 },
  ]);
  await hasVersions(sdkKey, 4);
  await order(`${specOf(sdkKey)}/freeze`, REASON);
  await order(`${specOf(sdkKey)}/release`, {});
  const versions = await hasVersions(sdkKey, 5);
  const path = `${specOf(sdkKey)}/diff?from=${versions[0]}&to=${versions[4]}`;
  const { groups } = await get<ShownDiff>(path);
  assert.deepEqual(groups.configs, {
    added: { count: 1, names: ['new'] },
    removed: { count: 1, names: ['gone'] },
    changed: { count: 1, names: ['limits'] },
    details: [
      {
        name: 'limits',
        fields: [{ name: 'value', before: { rps: 1 }, after: { rps: 2 } }],
        rules: [
          {
            name: 'for pro',
            before: { id: 'for pro', conditions, value: 5 },
            after: { id: 'for pro', conditions, value: 7 },
          },
          { name: 'for all', after: { id: 'for all', conditions: [], value: 0 } },
        ],
        areRulesReordered: false,
        hasMore: false,
      },
    ],
  });
});

interface Evaluated {
  readonly version: number;
  readonly configs: readonly { readonly name: string; readonly value: unknown; readonly overrides: object }[];
  readonly leftOut: number;
}

test('a context is tried against the configs that are served, with reasons', async () => {
  const { sdkKey, project } = scene.origin.addKey();
  const conditions = [{ operator: 'equals', property: 'plan', value: 'pro' }] as const;
  project.set('limits', 1, [{ name: 'for pro', conditions, value: 5 }]);
  project.set('flag', true);
  const app = scene.app(sdkKey);
  await app.connect();
  const evaluate = async (body: object): Promise<Evaluated> => {
    const { status, text } = await post(`${specOf(sdkKey)}/evaluate`, body);
    assert.equal(status, 200, text);
    return JSON.parse(text) as Evaluated;
  };
  for (const context of [{ plan: 'pro' }, { plan: 'free' }, {}]) {
    const { configs, leftOut } = await evaluate({ context });
    assert.deepEqual(
      configs.map(({ name, value }) => [name, value]),
      [
        ['limits', app.get('limits', context)],
        ['flag', true],
      ],
    );
    assert.equal(leftOut, 0);
  }
  const { configs } = await evaluate({ context: { plan: 'free' }, config: 'limits' });
  assert.deepEqual(
    configs.map(({ overrides }) => overrides),
    [
      [
        {
          name: 'for pro',
          result: 'not_matched',
          value: 5,
          conditions: [
            {
              operator: 'equals',
              asks: { property: 'plan', value: 'pro' },
              result: 'not_matched',
              reason: '"plan" is "free": not equals "pro"',
            },
          ],
        },
      ],
    ],
  );
  const named = async (body: object): Promise<readonly string[]> =>
    (await evaluate(body)).configs.map(({ name }) => name);
  assert.deepEqual(await named({ search: ' LIM its' }), ['limits'], 'each word, in whatever case');
  assert.deepEqual(await named({ search: 'limits flag' }), []);
  const first = await evaluate({ limit: 1 });
  assert.deepEqual([first.configs.map(({ name }) => name), first.leftOut], [['limits'], 1]);
  project.set('large', 'x'.repeat(4 * 1024 * 1024));
  await eventually('what is too large', async () => (await evaluate({})).leftOut === 1);
  for (const body of [
    { context: [] },
    { context: { plan: {} } },
    { config: 1 },
    { search: null },
    { search: 'x'.repeat(501) },
    { limit: 0 },
    { limit: 501 },
  ]) {
    const { status } = await post(`${specOf(sdkKey)}/evaluate`, body);
    assert.equal(status, 400, JSON.stringify(body));
  }
  const { status } = await post(`/api/v1/specs/${hashSdkKey('other')}/replane/json/evaluate`, {});
  assert.equal(status, 404);
});
