// The list of specs page by page: problems first, each spec once, found by words; and one spec with its polls, backups and clients.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { hashSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

interface Spec {
  readonly sdkKey: string;
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
  readonly state: string;
  readonly version: number | null;
  readonly requestsPerMinute: number;
  readonly streams: number;
  readonly clients: object;
  readonly bySdk: readonly object[];
  readonly byVersion: readonly object[];
}

interface Page {
  readonly specs: readonly Spec[];
  readonly total: number;
  readonly matching: number;
  readonly next: string | null;
}

const KEYS = Array.from({ length: 12 }, (_, index) => `secret-${String(index).padStart(4, 'k')}-0123456789`);
const [FIRST = '', REFUSED = '', FROZEN = ''] = KEYS;
const MISSING = 'secret-missing-0123456789';
const NAMES = { SFP_SDK_KEYS: MISSING };

async function start(
  t: TestContext,
  options: Partial<TestProxyOptions> = {},
): Promise<[TestProxy, FakeOrigin]> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return [await startAt(t, origin, options), origin];
}

async function startAt(
  t: TestContext,
  origin: FakeOrigin,
  options: Partial<TestProxyOptions>,
): Promise<TestProxy> {
  const proxy = await startProxy({
    origin: origin.url,
    ...options,
    args: ['-p', '1', ...(options.args ?? [])],
  });
  t.after(() => proxy.app.stop());
  return proxy;
}

async function get<Answer>({ adminUrl }: TestProxy, path: string, status = 200): Promise<Answer> {
  const answer = await rawRequest(`${adminUrl}/api/v1/${path}`);
  assert.equal(answer.status, status, answer.text);
  return JSON.parse(answer.text) as Answer;
}

function fetchSpec({ url }: TestProxy, sdkKey: string, headers = {}): Promise<{ readonly status: number }> {
  return rawRequest(`${url}/v1/download_config_specs/${sdkKey}.json`, { headers });
}

/** By pages of so many. */
async function turnPages(proxy: TestProxy, limit: number, search = ''): Promise<readonly Spec[]> {
  const all: Spec[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ limit: String(limit), search, cursor });
    const page: Page = await get(proxy, `specs?${query.toString()}`);
    assert.ok(page.specs.length <= limit);
    all.push(...page.specs);
    cursor = page.next;
  }
  return all;
}

test('pages of any size have each spec once, what is wrong first, and only what matches', async (t) => {
  const [proxy, origin] = await start(t, {
    env: NAMES,
    cache: 'local',
    args: ['--data-dir', makeTemporaryFolder('spec-pages')],
  });
  origin.refusedKeys.add(MISSING);
  for (const sdkKey of KEYS) assert.equal((await fetchSpec(proxy, sdkKey)).status, 200);
  origin.refusedKeys.add(REFUSED);
  const path = `${proxy.adminUrl}/api/v1/specs/${hashSdkKey(FROZEN)}/v1/json/freeze`;
  const headers = { 'content-type': 'application/json' };
  const frozen = await rawRequest(path, { method: 'POST', headers, body: '{"reason":"x"}' });
  assert.equal(frozen.status, 200, frozen.text);
  await eventually('a refused key', async () => {
    const { specs }: Page = await get(proxy, `specs?search=${hashSdkKey(REFUSED)}`);
    return specs.length === 1 && specs[0]?.state === 'refused';
  });
  const whole = await turnPages(proxy, 1_000);
  const shown = (specs: readonly Spec[]): readonly string[] =>
    specs.map(({ state, keyHash, api, format }) => [state, keyHash, api, format].join(' '));
  for (const limit of [1, 4, 7, whole.length])
    assert.deepEqual(shown(await turnPages(proxy, limit)), shown(whole));
  const states = whole.map(({ state }) => state);
  const order = ['missing', 'refused', 'failing', 'held_back', 'held', 'returning', 'ok'];
  assert.deepEqual(
    states,
    states.toSorted((one, other) => order.indexOf(one) - order.indexOf(other)),
  );
  assert.equal(states.filter((state) => state === 'held').length, 1);
  assert.ok(states.filter((state) => state === 'refused').length >= 1);
  assert.equal(whole.length, KEYS.length + 3, 'three of the pinned key that has none');
  assert.ok(!JSON.stringify(whole).includes('0123456789'), 'a key');
  const found: Page = await get(proxy, `specs?search=${hashSdkKey(FIRST).slice(0, 12)}%20JSON%20v1`);
  assert.deepEqual([found.specs.length, found.matching, found.total], [1, 1, whole.length]);
  assert.equal((await get<Page>(proxy, 'specs?search=nothing%20like%20it')).matching, 0);
});

test('what is no number of rows, and no one text, is refused', async (t) => {
  const [proxy] = await start(t);
  for (const path of ['specs?limit=0', 'specs?limit=1001', 'specs?limit=x', 'specs?limit=1&limit=2'])
    await get(proxy, path, 400);
  for (const path of [
    `specs?search=${'x'.repeat(501)}`,
    'specs?search=a&search=b',
    'specs?cursor=a&cursor=b',
  ])
    await get(proxy, path, 400);
  for (const path of [
    'clients?limit=501',
    'replicas?limit=0',
    `replicas?search=${'x'.repeat(501)}`,
    'audit?lines=1001',
  ])
    await get(proxy, path, 400);
  await get(proxy, `specs/${hashSdkKey(FIRST)}/v1/json`, 404);
  await get(proxy, `specs/${hashSdkKey(FIRST)}/v1/json/clients`, 404);
  assert.equal((await get<Page>(proxy, 'specs?cursor=9')).specs.length, 0);
});

test('one spec has its clients by SDK and version, its polls, and where it is kept', async (t) => {
  const redis = await startRedisServer(t);
  const [proxy, origin] = await start(t, { cache: 'redis', args: ['--redis-port', String(redis.port)] });
  const { time } = origin.project;
  const asker = { 'statsig-server-session-id': 'session-0123456789', 'statsig-sdk-type': 'py-core' };
  assert.equal((await fetchSpec(proxy, FIRST, asker)).status, 200);
  const path = `specs/${hashSdkKey(FIRST)}/v1/json`;
  interface One extends Spec {
    readonly polls: { readonly intervalS: number; readonly outcomes: readonly { readonly kind: string }[] };
    readonly backups: readonly { readonly place: string; readonly storedAt: string | null }[];
  }
  await eventually('a place where it is kept', async () => {
    const { backups } = await get<One>(proxy, path);
    return backups[0]?.place === 'redis' && backups[0].storedAt !== null;
  });
  const one = await get<One>(proxy, path);
  assert.deepEqual([one.state, one.version, one.requestsPerMinute], ['ok', time, 1]);
  assert.deepEqual(one.clients, { instances: 1, newest: 0, older: 0, none: 1 });
  assert.deepEqual(one.byVersion, [{ version: 0, instances: 1 }]);
  assert.equal((one.bySdk[0] as { readonly sdk: string }).sdk, 'py-core');
  assert.equal(one.polls.intervalS, 1);
  assert.equal(one.polls.outcomes[0]?.kind, 'updated');
  const { clients } = await get<{ clients: { session: string; holding: string }[] }>(
    proxy,
    `${path}/clients`,
  );
  assert.deepEqual(
    clients.map(({ session, holding }) => [session, holding]),
    [['session-', 'none']],
  );
  const fleet = await get<{ specs: { sdkKey: string }[]; leftOut: number }>(proxy, 'clients?limit=1');
  assert.deepEqual([fleet.specs.length, fleet.leftOut], [1, 0]);
});

test('replicas that share a Redis know each other, and what each of them holds', async (t) => {
  const redis = await startRedisServer(t);
  const args = ['--redis-port', String(redis.port)];
  const [first, origin] = await start(t, { cache: 'redis', args: [...args, '--instance-name', 'one'] });
  const second = await startAt(t, origin, { cache: 'redis', args: [...args, '--instance-name', 'two'] });
  for (const proxy of [first, second]) assert.equal((await fetchSpec(proxy, FIRST)).status, 200);
  assert.equal((await fetchSpec(first, REFUSED)).status, 200);
  const { time } = origin.project;
  interface Fleet {
    readonly replicas: readonly {
      readonly name: string;
      readonly isThis: boolean;
      readonly isLeader: boolean;
    }[];
    readonly specs: readonly { readonly isSame: boolean; readonly versions: readonly (number | null)[] }[];
  }
  const look = (): Promise<Fleet> => get(first, `replicas?search=${hashSdkKey(FIRST)}`);
  await eventually('both', async () => {
    const { replicas, specs } = await look();
    return replicas.length === 2 && specs[0]?.versions.every((version) => version === time) === true;
  });
  const { replicas } = await look();
  assert.deepEqual(
    replicas.map(({ name, isThis }) => [name, isThis]),
    [
      ['one', true],
      ['two', false],
    ],
  );
  await eventually('a leader', async () => (await look()).replicas.some(({ isLeader }) => isLeader));
  const other = await get<Fleet>(first, `replicas?search=${hashSdkKey(REFUSED)}`);
  assert.deepEqual(other.specs[0]?.versions, [time, null]);
  assert.equal(other.specs[0].isSame, true);
  await second.app.stop();
  await eventually('one that has left', async () => (await look()).replicas.length === 1);
});

test('settings say where they were given, and no secret', async (t) => {
  const [proxy] = await start(t, {
    env: { SFP_GUARD_LOSS_PERCENT: '50', REDIS_ENTERPRISE_PASSWORD: 'very-secret' },
  });
  const { settings } = await get<{
    settings: { option: string; value: unknown; default: unknown; from: string; variable: string }[];
  }>(proxy, 'settings');
  const of = (option: string): unknown[] => {
    const {
      value,
      from,
      default: usual,
    } = settings.find((each) => each.option === option) ?? assert.fail(option);
    return [value, from, usual];
  };
  assert.deepEqual(of('--guard-loss-percent'), [50, 'variable', 0]);
  assert.deepEqual(of('--polling-interval-in-s'), [1, 'option', 10]);
  assert.equal(of('--guard-hold-in-s')[1], 'default');
  assert.deepEqual(of('--redis-password'), ['***', 'variable', '']);
  assert.ok(!JSON.stringify(settings).includes('very-secret'));
});
