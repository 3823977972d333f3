// The whole app: pinned keys, probes, polls, /status, and two of it side by side in one process.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { FAILING, REFUSING } from '../fakes/origin-faults.js';
import { SDK_KEY, startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';

interface Pair {
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
  readonly clock: ManualClock;
}

type Changes = Omit<TestProxyOptions, 'origin' | 'clock'> & {
  readonly prepare?: (origin: FakeOrigin) => void;
};

async function startPair(t: TestContext, { prepare, ...changes }: Changes = {}): Promise<Pair> {
  const origin = await startFakeOrigin();
  prepare?.(origin);
  const clock = new ManualClock();
  const proxy = await startProxy({ origin: origin.url, clock, ...changes });
  t.after(async () => {
    await Promise.all([proxy.app.stop(), clock.advanceInSteps(5_000, 100)]);
    await origin.close();
  });
  return { origin, proxy, clock };
}

interface StatusSpec {
  readonly sdkKey: string;
  readonly api: string;
  readonly format: string;
  readonly pinned: boolean;
  readonly version: number | null;
  readonly lastOutcome: { readonly kind: string; readonly reason?: string } | null;
  readonly failuresInARow: number;
  readonly nextPollInS: number | null;
  readonly formBytes: Record<string, number>;
}

interface Status {
  readonly phase: string;
  readonly version: string;
  readonly uptimeS: number;
  readonly tables: Record<string, { readonly entries: number; readonly entriesMax: number }>;
  readonly eventLoopDelaySinceLastStatus: Record<string, number>;
  readonly specs: readonly StatusSpec[];
}

async function status(proxy: TestProxy): Promise<Status> {
  return JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as Status;
}

async function probe(url: string, name: string): Promise<string> {
  const answer = await rawRequest(`${url}/v1/${name}`);
  return `${answer.status} ${(JSON.parse(answer.text) as { status: string }).status}`;
}

test('until pinned keys were tried, startup and ready say so, and health does not care', async (t) => {
  const { origin, proxy } = await startPair(t, {
    env: { SFP_SDK_KEYS: SDK_KEY },
    prepare: (held) => held.hold(),
  });
  await origin.arrived(3);
  for (const url of [proxy.url, proxy.adminUrl]) {
    assert.equal(await probe(url, 'startup'), '503 starting');
    assert.equal(await probe(url, 'ready'), '503 starting');
    assert.equal(await probe(url, 'health'), '200 healthy');
  }
});

test('pinned keys are fetched at start in every form SDKs ask for, and then the proxy is ready', async (t) => {
  const { origin, proxy } = await startPair(t, { env: { SFP_SDK_KEYS: SDK_KEY } });
  await proxy.app.startedUp;
  assert.deepEqual(origin.requests.map(({ url }) => url).sort(), [
    `/v1/download_config_specs/${SDK_KEY}.json`,
    `/v2/download_config_specs/${SDK_KEY}.json`,
    `/v2/download_config_specs/${SDK_KEY}.json?supports_proto=true`,
  ]);
  assert.equal(await probe(proxy.url, 'startup'), '200 started');
  assert.equal(await probe(proxy.url, 'ready'), '200 ready');
});

test('an origin that fails does not keep the proxy from being ready', async (t) => {
  const prepare = (origin: FakeOrigin): void => {
    origin.fault = FAILING.status_500;
  };
  const { proxy } = await startPair(t, { env: { SFP_SDK_KEYS: SDK_KEY }, prepare });
  await proxy.app.startedUp;
  assert.equal(await probe(proxy.url, 'ready'), '200 ready');
  const { specs } = await status(proxy);
  assert.equal(specs.length, 3);
  assert.ok(specs.every((spec) => spec.version === null && spec.lastOutcome?.reason === 'status_500'));
});

test('an update reaches the next request after the poll that found it', async (t) => {
  const { origin, proxy, clock } = await startPair(t);
  const url = `${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`;
  assert.match((await rawRequest(url)).text, /"greeting":"hello"/);
  origin.project = { ...origin.project, time: origin.project.time + 1, greeting: 'changed' };
  const stored = proxy.logs.waitFor((line) => line['specVersion'] === origin.project.time);
  clock.advance(10_000);
  await stored;
  assert.match((await rawRequest(url)).text, /"greeting":"changed"/);
  assert.equal(origin.requests[1]?.url, `/v1/download_config_specs/${SDK_KEY}.json?sinceTime=1750000000000`);
});

test('/status tells of each spec, masked, and of every table against its limit', async (t) => {
  const { origin, proxy } = await startPair(t, { args: ['-m', '7'] });
  const headers = { 'accept-encoding': 'gzip' };
  await rawRequest(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`, { headers });
  origin.fault = REFUSING[401];
  await rawRequest(`${proxy.url}/v1/download_config_specs/secret-other.json`);
  const told = await status(proxy);
  assert.equal(told.phase, 'serving');
  assert.deepEqual(told.tables['sdkKeys'], { entries: 1, entriesMax: 7 });
  assert.equal(told.tables['refusalsRemembered']?.entries, 1);
  assert.deepEqual(Object.keys(told.eventLoopDelaySinceLastStatus), ['meanMs', 'p99Ms', 'maxMs']);
  const [spec] = told.specs;
  assert.equal(told.specs.length, 1);
  assert.equal(spec?.sdkKey, 'secret-test***');
  assert.equal(spec.version, origin.project.time);
  assert.equal(spec.lastOutcome?.kind, 'updated');
  assert.ok(spec.nextPollInS !== null && spec.nextPollInS <= 10);
  assert.deepEqual(Object.keys(spec.formBytes).sort(), ['br', 'gzip']);
  assert.ok(!JSON.stringify(told).includes(SDK_KEY));
});

test('keys pinned later are fetched at once, and keys pinned no more stay as if asked for', async (t) => {
  const { origin, proxy } = await startPair(t, { env: { SFP_SDK_KEYS: 'secret-one' } });
  await proxy.app.startedUp;
  await proxy.app.pin(new Set(['secret-two']));
  assert.equal(origin.requests.length, 6);
  const { specs } = await status(proxy);
  assert.deepEqual(
    [...new Set(specs.filter((spec) => spec.pinned).map((spec) => spec.sdkKey))],
    ['secret-***'],
  );
  assert.equal(specs.filter((spec) => spec.pinned).length, 3);
  assert.equal(specs.length, 6);
});

test('a key that is pinned no more and not held is polled no more, in no form', async (t) => {
  const args = ['--clear-datastore-on-unauthorized', '--sdk-keys', SDK_KEY];
  const { origin, proxy, clock } = await startPair(t, { args });
  await proxy.app.startedUp;
  // The last is not among those that are fetched at start.
  for (const path of ['v1', 'v2', 'v2?supports_proto=true', 'v1?supports_proto=true']) {
    const [api, query = ''] = path.split('?');
    await rawRequest(`${proxy.url}/${api}/download_config_specs/${SDK_KEY}.json?${query}`);
  }
  origin.fault = REFUSING[401];
  const dropped = (): number => proxy.logs.withMessage('spec dropped: origin refused the SDK key').length;
  while (dropped() < 4) await clock.advanceInSteps(1_000, 100);
  await proxy.app.pin(new Set());
  const before = origin.requests.length;
  await clock.advanceInSteps(120_000, 1_000);
  assert.equal(origin.requests.length, before);
});

test('a pinned key that the origin refuses is polled on, and served when it is good again', async (t) => {
  const args = ['--clear-datastore-on-unauthorized', '--sdk-keys', SDK_KEY, '--pinned-payloads', 'v1'];
  const { origin, proxy, clock } = await startPair(t, { args });
  await proxy.app.startedUp;
  origin.fault = REFUSING[403];
  const dropped = proxy.logs.waitFor((line) => line['msg'] === 'spec dropped: origin refused the SDK key');
  clock.advance(10_000);
  await dropped;
  origin.fault = undefined;
  const back = proxy.logs.waitFor((line) => line['msg'] === 'origin accepts this SDK key again');
  let isBack = false;
  void back.then(() => (isBack = true));
  await eventually('a poll that is good again', async () => {
    await clock.advanceInSteps(1_000, 100);
    return isBack;
  });
});

test('an evicted key is polled no more', async (t) => {
  const { origin, proxy, clock } = await startPair(t, { args: ['-m', '1'] });
  await rawRequest(`${proxy.url}/v1/download_config_specs/secret-first.json`);
  await rawRequest(`${proxy.url}/v1/download_config_specs/secret-second.json`);
  clock.advance(10_000);
  await origin.arrived(3);
  assert.match(origin.requests[2]?.url ?? '', /secret-second/);
  const { tables, specs } = await status(proxy);
  assert.equal(tables['sdkKeys']?.entries, 1);
  assert.equal(specs.length, 1);
});

test('two proxies in one process share nothing', async (t) => {
  const first = await startPair(t);
  const second = await startPair(t);
  await rawRequest(`${first.proxy.url}/v1/download_config_specs/${SDK_KEY}.json`);
  assert.equal((await status(first.proxy)).specs.length, 1);
  assert.equal((await status(second.proxy)).specs.length, 0);
  assert.equal(second.origin.requests.length, 0);
});

test('a port that is taken fails the start and leaves nothing open', async (t) => {
  const { origin, proxy } = await startPair(t);
  const args = ['--http-port', String(proxy.app.httpPort)];
  await assert.rejects(startProxy({ origin: origin.url, args }), { code: 'EADDRINUSE' });
});

test('an IPv6 loopback address can be listened on', async (t) => {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  if (!addresses.some(({ address }) => address === '::1')) {
    t.skip('this machine has no IPv6 loopback');
    return;
  }
  const { proxy } = await startPair(t, { args: ['--host', '::1'] });
  const answer = await rawRequest(`http://[::1]:${proxy.app.httpPort}/v1/health`);
  assert.equal(answer.status, 200);
});
