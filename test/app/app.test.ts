// The whole app: pinned keys, probes, polls, /status, and two of it side by side in one process.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { FAILING, REFUSING } from '../fakes/origin-faults.js';
import { SDK_KEY, startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { temporaryFile } from '../process/temporary-file.js';

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
  readonly eventLoopDelayLastMinute: Record<string, number>;
  readonly specs: { readonly byKey: readonly StatusSpec[] };
}

async function status(proxy: TestProxy): Promise<Status> {
  return JSON.parse((await rawRequest(`${proxy.adminUrl}/status?keys=`)).text) as Status;
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

test('a list made for SFP is fetched at start; listeners do not wait for it, and readiness no longer than a minute', async (t) => {
  const entries = Array.from({ length: 4 }, (_none, index) => ({
    sdk_key: `secret-warmup-key-${index}`,
    path: '/v1/get_id_lists',
  }));
  const { origin, proxy, clock } = await startPair(t, {
    env: { SFP_STARTUP_WARMUP_KEYS_JSON: JSON.stringify(entries) },
    args: ['-u', '1'],
    prepare: (held) => held.hold(),
  });
  await origin.arrived(1);
  await clock.advanceInSteps(59_900, 100);
  assert.equal(await probe(proxy.url, 'health'), '200 healthy');
  assert.equal(await probe(proxy.url, 'ready'), '503 starting');
  await clock.advanceInSteps(200, 100);
  await proxy.app.startedUp;
  assert.equal(await probe(proxy.url, 'ready'), '200 ready');
  const said = 'started up: ready for traffic, but not every pinned key was tried yet';
  assert.equal(proxy.logs.withMessage(said).length, 1);
  assert.ok(!JSON.stringify(proxy.logs.lines).includes('warmup-key'));
});

test('an origin that fails does not keep the proxy from being ready', async (t) => {
  const prepare = (origin: FakeOrigin): void => {
    origin.fault = FAILING.status_500;
  };
  const { proxy } = await startPair(t, { env: { SFP_SDK_KEYS: SDK_KEY }, prepare });
  await proxy.app.startedUp;
  assert.equal(await probe(proxy.url, 'ready'), '200 ready');
  const { byKey: specs } = (await status(proxy)).specs;
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
  for (const encoding of ['br', 'gzip']) {
    const headers = { 'accept-encoding': encoding };
    await rawRequest(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`, { headers });
  }
  origin.fault = REFUSING[401];
  await rawRequest(`${proxy.url}/v1/download_config_specs/secret-other.json`);
  const told = await status(proxy);
  assert.equal(told.phase, 'serving');
  assert.deepEqual(told.tables['sdkKeys'], { entries: 1, entriesMax: 7 });
  assert.equal(told.tables['refusalsRemembered']?.entries, 1);
  assert.deepEqual(Object.keys(told.eventLoopDelayLastMinute), ['meanMs', 'p99Ms', 'maxMs']);
  const [spec] = told.specs.byKey;
  assert.equal(told.specs.byKey.length, 1);
  assert.equal(spec?.sdkKey, 'secret-test***');
  assert.equal(spec.version, origin.project.time);
  assert.equal(spec.lastOutcome?.kind, 'updated');
  assert.ok(spec.nextPollInS !== null && spec.nextPollInS <= 10);
  assert.deepEqual(Object.keys(spec.formBytes).sort(), ['br', 'gzip']);
  assert.ok(!JSON.stringify(told).includes(SDK_KEY));
});

test('keys pinned later are fetched at once, and keys pinned no more stay as if asked for', async (t) => {
  const path = temporaryFile(t, 'secret-one');
  const { origin, proxy } = await startPair(t, { args: ['--sdk-keys-file', path] });
  await proxy.app.startedUp;
  writeFileSync(path, 'secret-two');
  proxy.app.readFilesAgain();
  await eventually('fetch of the new key', () => origin.requests.length === 6);
  const { byKey: specs } = (await status(proxy)).specs;
  assert.deepEqual(
    [...new Set(specs.filter((spec) => spec.pinned).map((spec) => spec.sdkKey))],
    ['secret-***'],
  );
  assert.equal(specs.filter((spec) => spec.pinned).length, 3);
  assert.equal(specs.length, 6);
});

test('a key that is pinned no more and not held is polled no more, in no form', async (t) => {
  const path = temporaryFile(t, SDK_KEY);
  const args = ['--clear-datastore-on-unauthorized', '--sdk-keys-file', path];
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
  writeFileSync(path, '');
  proxy.app.readFilesAgain();
  await proxy.logs.waitFor(({ msg }) => msg === 'SDK keys file read again');
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
  assert.equal(specs.byKey.length, 1);
});

test('two proxies in one process share nothing', async (t) => {
  const first = await startPair(t);
  const second = await startPair(t);
  await rawRequest(`${first.proxy.url}/v1/download_config_specs/${SDK_KEY}.json`);
  assert.equal((await status(first.proxy)).specs.byKey.length, 1);
  assert.equal((await status(second.proxy)).specs.byKey.length, 0);
  assert.equal(second.origin.requests.length, 0);
});

test('ports that are taken fail the start, are all told at once, and nothing is left open', async (t) => {
  const { origin, proxy } = await startPair(t);
  const [http, admin] = [String(proxy.app.httpPort), String(proxy.app.adminPort)];
  const grpc = String(await freePort());
  const args = ['--http-port', http, '--admin-port', admin, '--grpc-port', grpc];
  await assert.rejects(startProxy({ origin: origin.url, mode: 'grpc-and-http', args }), {
    name: 'Error',
    faults: [
      ['--admin-port (SFP_ADMIN_PORT)', admin],
      ['--http-port (SFP_HTTP_PORT)', http],
    ].map(
      ([setting, port]) =>
        `${setting}: cannot listen on port ${port} of 127.0.0.1 (EADDRINUSE): ` +
        'another process has it; stop that one or choose another port',
    ),
  });
  const again = await startProxy({ origin: origin.url, mode: 'grpc', args: ['--grpc-port', grpc] });
  await again.app.stop();
});

test('an address or a name that is not of this machine fails the start with the setting to mend', async (t) => {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  for (const [args, told] of [
    [
      ['--host', '192.0.2.1'],
      /--host \(SFP_HOST\): cannot listen on 192\.0\.2\.1 \(EADDRNOTAVAIL\): it is not an address/,
    ],
    [
      ['--admin-host', 'nowhere.invalid'],
      /--admin-host \(SFP_ADMIN_HOST\): cannot listen on .*: the name cannot be resolved/,
    ],
  ] as const) {
    await assert.rejects(startProxy({ origin: origin.url, args }), told);
  }
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

test('after SIGTERM it serves on for five seconds unless told otherwise, or until that is cut short', async (t) => {
  for (const [args, leavesAfterMs] of [
    [[], 5_000],
    [['--shutdown-delay-in-s', '12'], 12_000],
    [['--shutdown-delay-in-s', '0'], 0],
  ] as const) {
    const { proxy, clock } = await startPair(t, { args });
    let left = false;
    const leaving = proxy.app.leave(new Promise(() => undefined)).then(() => (left = true));
    assert.equal(await probe(proxy.url, 'ready'), '503 draining');
    clock.advance(leavesAfterMs - 1);
    await settle();
    assert.equal(left, leavesAfterMs === 0);
    clock.advance(1);
    await leaving;
    await proxy.app.leave(Promise.resolve());
  }
});
