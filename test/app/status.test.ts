// /status: its verdict, what is wrong and what to do about it, settings without secrets, and a bounded answer at 1,000 keys.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { judge, type Problem } from '../../src/app/problems.js';
import { eventually } from '../e2e/deadline.js';
import { startEventOrigin, type EventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { FAILING, REFUSING } from '../fakes/origin-faults.js';
import { SDK_KEY, startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { send } from '../protocols/statsig/log-events/event-scene.js';

interface Status {
  readonly status: string;
  readonly problems: readonly {
    readonly reason: string;
    readonly severity: string;
    readonly what: string;
    readonly since: string;
    readonly count: number;
    readonly remedy: string;
  }[];
  readonly endpoints: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly specs: {
    readonly oldestConfirmedAgoS: number | null;
    readonly sdkKeys: number;
    readonly payloads: number;
    readonly failing: number;
    readonly byKey?: readonly { readonly sdkKey: string }[];
    readonly leftOut?: number;
  };
  readonly tables: Readonly<Record<string, { readonly entries: number }>>;
}

interface Scene {
  readonly origin: FakeOrigin;
  readonly eventOrigin: EventOrigin;
  readonly clock: ManualClock;
  readonly proxy: TestProxy;
  text(query?: string): Promise<string>;
  status(query?: string): Promise<Status>;
  /** As /status tells them. */
  reasons(): Promise<readonly string[]>;
}

async function start(
  t: TestContext,
  options: Omit<TestProxyOptions, 'origin'> = {},
  prepare: (origin: FakeOrigin) => void = () => undefined,
): Promise<Scene> {
  const origin = await startFakeOrigin();
  prepare(origin);
  const eventOrigin = await startEventOrigin();
  const clock = new ManualClock();
  const proxy = await startProxy({ origin: origin.url, eventOrigin: eventOrigin.url, clock, ...options });
  t.after(async () => {
    await Promise.all([proxy.app.stop(), clock.advanceInSteps(5_000, 100)]);
    await Promise.all([origin.close(), eventOrigin.close()]);
  });
  const text = async (query = ''): Promise<string> =>
    (await rawRequest(`${proxy.adminUrl}/status${query}`)).text;
  const status = async (query?: string): Promise<Status> => JSON.parse(await text(query)) as Status;
  const reasons = async (): Promise<readonly string[]> =>
    (await status()).problems.map(({ reason }) => reason);
  return { origin, eventOrigin, clock, proxy, text, status, reasons };
}

function specUrl({ proxy }: Scene, sdkKey = SDK_KEY): string {
  return `${proxy.url}/v1/download_config_specs/${sdkKey}.json`;
}

test('where nothing is wrong, the verdict says so, first of all', async (t) => {
  const scene = await start(t);
  await rawRequest(specUrl(scene));
  const release = scene.origin.hold();
  scene.clock.advance(4_000);
  const text = await scene.text();
  release();
  assert.match(text, /^\{\n {2}"status": "ok",\n {2}"problems": \[\],/);
  const { specs, endpoints, tables } = JSON.parse(text) as Status;
  assert.equal(specs.oldestConfirmedAgoS, 4);
  assert.equal(endpoints['http'], `127.0.0.1:${scene.proxy.app.httpPort}`);
  assert.equal(endpoints['admin'], `127.0.0.1:${scene.proxy.app.adminPort}`);
  assert.equal(endpoints['specs'], `${scene.origin.url}/`);
  assert.ok(
    Object.values(tables).every(({ entries }) => entries > 0),
    'rows of zeros',
  );
});

test('an origin that fails degrades: since when, for how many payloads, and what to do', async (t) => {
  const scene = await start(t);
  const { origin, clock } = scene;
  await rawRequest(specUrl(scene));
  origin.fault = FAILING.status_500;
  const failed = scene.proxy.logs.waitFor((line) => line['reason'] === 'status_500');
  clock.advance(10_000);
  await failed;
  clock.advance(7_000);
  const { status, problems, specs } = await scene.status();
  assert.equal(status, 'degraded');
  const [problem] = problems;
  assert.equal(problems.length, 1);
  assert.deepEqual([problem?.reason, problem?.severity, problem?.count], ['origin_failing', 'degraded', 1]);
  assert.match(problem?.what ?? '', /^127\.0\.0\.1:\d+ fails: status_500\.$/);
  assert.ok((problem?.remedy ?? '').length > 20);
  const forMs = clock.nowMs() - Date.parse(problem?.since ?? '');
  assert.ok(forMs >= 7_000 && forMs <= 17_000, `since ${forMs} ms`);
  assert.equal(specs.failing, 1);
  origin.fault = undefined;
  const back = scene.proxy.logs.waitFor((line) => line['msg'] === 'origin answering again');
  await Promise.all([back, clock.advanceInSteps(60_000, 500)]);
  assert.equal((await scene.status()).status, 'ok');
});

test('a pinned spec that was never fetched is a failure', async (t) => {
  const scene = await start(t, { env: { SFP_SDK_KEYS: SDK_KEY } }, (origin) => {
    origin.fault = FAILING.status_500;
  });
  await scene.proxy.app.startedUp;
  const { status, problems } = await scene.status();
  assert.equal(status, 'failing');
  assert.deepEqual(
    problems.map(({ reason, count }) => [reason, count]),
    [
      ['spec_missing', 3],
      ['origin_failing', 3],
    ],
  );
});

test('a pinned key that the origin refuses is told; an invented one is not', async (t) => {
  const scene = await start(t, { env: { SFP_SDK_KEYS: SDK_KEY } }, (origin) => {
    origin.fault = REFUSING[401];
  });
  await scene.proxy.app.startedUp;
  await rawRequest(specUrl(scene, 'secret-invented-0123456789'));
  const { status, problems } = await scene.status();
  assert.equal(status, 'degraded');
  assert.deepEqual(
    problems.map(({ reason, count }) => [reason, count]),
    [['key_refused', 3]],
  );
});

test('log events that cannot be delivered degrade, from the second failure on', async (t) => {
  const scene = await start(t);
  scene.eventOrigin.verdict = () => 500;
  await send(scene.proxy.url, 'waits');
  await scene.eventOrigin.received(1);
  await eventually('second failure', async () => {
    scene.clock.advance(1_000);
    return (await scene.reasons()).includes('log_events_not_delivered');
  });
  assert.ok(scene.eventOrigin.deliveries.length >= 2, `${scene.eventOrigin.deliveries.length} deliveries`);
});

for (const [name, env, expected] of [
  ['a pinned key', { SFP_SDK_KEYS: SDK_KEY }, ['log_events_refused']],
  ['an invented key', {}, []],
] as const) {
  test(`refused log events of ${name}: ${expected.join() || 'no problem'}`, async (t) => {
    const scene = await start(t, { env });
    await scene.proxy.app.startedUp;
    scene.eventOrigin.verdict = () => 401;
    await send(scene.proxy.url, 'refused');
    const line = "origin refuses this key's log events: they wait and are retried less and less often";
    await scene.proxy.logs.waitFor(({ msg }) => msg === line);
    assert.deepEqual(await scene.reasons(), expected);
  });
}

test('log events that found no room, and those given up, are problems for five minutes', async (t) => {
  const args = ['--log-event-process-queue-size', '1'];
  const scene = await start(t, { args, env: { SFP_SDK_KEYS: SDK_KEY } });
  await scene.proxy.app.startedUp;
  scene.eventOrigin.verdict = () => 400;
  await send(scene.proxy.url, 'rejected');
  await eventually('end of the batch', async () => (await scene.reasons()).includes('log_events_given_up'));
  scene.eventOrigin.verdict = () => 500;
  assert.equal((await send(scene.proxy.url, 'waits')).status, 202);
  assert.equal((await send(scene.proxy.url, 'no room')).status, 503);
  const reasons = await scene.reasons();
  assert.ok(
    reasons.includes('log_events_turned_away') && reasons.includes('log_events_given_up'),
    reasons.join(),
  );
  assert.equal((await scene.status()).status, 'failing');
  scene.eventOrigin.verdict = () => 202;
  await eventually('calm', async () => {
    scene.clock.advance(30_000);
    return (await scene.reasons()).length === 0;
  });
});

test('settings in effect are shown, without secrets', async (t) => {
  const args = [
    '--redis-password',
    'pass-word',
    '--https-proxy',
    'http://user:pass-word@127.0.0.1:9',
    '-u',
    '7',
  ];
  const scene = await start(t, { args, env: { SFP_SDK_KEYS: SDK_KEY } });
  const text = await scene.text('?keys=');
  assert.ok(!text.includes('pass-word') && !text.includes(SDK_KEY));
  const { settings } = JSON.parse(text) as Status;
  assert.deepEqual(
    ['--redis-password', '--https-proxy', '--sdk-keys', '--update-batch-size', '--public-url'].map(
      (flag) => settings[flag],
    ),
    ['***', '***', '***', 7, ''],
  );
});

test('at 1,000 keys the answer is a summary, and single keys are bounded and picked', async (t) => {
  const scene = await start(t);
  const keys = Array.from(
    { length: 1_000 },
    (_, index) => `secret-${String(index).padStart(4, '0')}-0123456789`,
  );
  for (const sdkKey of keys) assert.equal((await rawRequest(specUrl(scene, sdkKey))).status, 200);
  const text = await scene.text();
  assert.ok(text.length < 10_000, `${text.length} characters`);
  const { specs } = JSON.parse(text) as Status;
  assert.deepEqual([specs.sdkKeys, specs.payloads, specs.byKey], [1_000, 1_000, undefined]);
  const all = (await scene.status('?keys=')).specs;
  assert.deepEqual([all.byKey?.length, all.leftOut], [200, 800]);
  const picked = async (query: string): Promise<readonly string[] | undefined> =>
    (await scene.status(`?keys=${query}`)).specs.byKey?.map(({ sdkKey }) => sdkKey);
  assert.deepEqual(await picked('secret-0007'), ['secret-0007***']);
  assert.deepEqual(await picked('secret-0007***,secret-0019'), ['secret-0007***', 'secret-0019***']);
  assert.deepEqual(await picked('secret-0007-0123456789'), ['secret-0007***'], 'the whole key');
  assert.deepEqual(
    await picked('secret-0007-wrong-in-what-is-masked'),
    ['secret-0007***'],
    'nothing beyond the mask',
  );
  assert.deepEqual(await picked('secret-nobody-0123456789'), []);
});

test('what fails comes before what is degraded, each with its remedy', () => {
  const problem = { what: 'It fails.', sinceMs: 0, count: 2 };
  const problems: readonly Problem[] = [
    { ...problem, reason: 'redis_failing' },
    { ...problem, reason: 'spec_missing' },
  ];
  const { status, problems: told } = judge(problems);
  assert.equal(status, 'failing');
  assert.deepEqual(
    told.map((each) => ('reason' in each ? each.reason : '')),
    ['spec_missing', 'redis_failing'],
  );
  assert.equal(judge(problems.slice(0, 1)).status, 'degraded');
  assert.deepEqual(judge([]), { status: 'ok', problems: [] });
});
