// Every fault of the origin, met cold and warm by real requests: the promise that nobody behind the proxy notices.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startFakeOrigin, type FakeOrigin } from '../../../fakes/fake-origin.js';
import { inRealTime, ManualClock } from '../../../fakes/manual-clock.js';
import { FAILING, OLDER, REFUSING, type Fault } from '../../../fakes/origin-faults.js';
import { SDK_KEY, startProxy, type TestProxy } from '../../../fakes/proxy.js';
import { rawRequest } from '../../../fakes/raw-request.js';

const PATH = `/v1/download_config_specs/${SDK_KEY}.json`;
/** One second for headers, and for each piece of a body. */
const QUICK = ['--http-read-timeout-in-s', '1', '--polling-interval-in-s', '1'];

interface Pair {
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
  readonly clock: ManualClock;
}

async function startPair(t: TestContext, args: readonly string[] = []): Promise<Pair> {
  const origin = await startFakeOrigin();
  const clock = new ManualClock();
  const proxy = await startProxy({ origin: origin.url, clock, args: [...QUICK, '--debug-logging', ...args] });
  t.after(async () => {
    await Promise.all([proxy.app.stop(), clock.advanceInSteps(5_000, 100)]);
    await origin.close();
  });
  return { origin, proxy, clock };
}

/** Lets one poll happen, and waits until its outcome is known. */
async function pollOnce({ proxy, clock }: Pair, isSlow = false): Promise<void> {
  const outcomes = ['HttpDataProviderError', 'HttpDataProviderGotData', 'HttpDataProviderNoData'];
  const seen = new Set(proxy.logs.lines);
  const outcome = proxy.logs.waitFor((line) => !seen.has(line) && outcomes.includes(String(line['event'])));
  clock.advance(1_000);
  await (isSlow ? inRealTime(clock, outcome) : outcome);
}

function isTimeout(fault: string): boolean {
  return /^\w+_timeout\b/.test(fault);
}

interface ErrorShape {
  readonly code: number;
  readonly reason: string;
  readonly origin?: string;
}

for (const [name, fault] of Object.entries(FAILING)) {
  test(`cold, ${name}: 503 with the reason, and a try later succeeds`, async (t) => {
    const { origin, proxy, clock } = await startPair(t);
    origin.fault = fault;
    const asked = rawRequest(proxy.url + PATH);
    const answer = await (isTimeout(name) ? inRealTime(clock, asked) : asked);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.equal(answer.headers['content-type'], 'application/json');
    const error = JSON.parse(answer.text) as ErrorShape;
    assert.deepEqual(
      { code: error.code, reason: error.reason, origin: error.origin },
      { code: 503, reason: 'origin_failing', origin: name.split(' ')[0] },
    );
    origin.fault = undefined;
    clock.advance(1_000);
    assert.equal((await rawRequest(proxy.url + PATH)).status, 200);
  });
}

for (const [name, fault] of [...Object.entries(FAILING), ['an older time', OLDER]] as [string, Fault][]) {
  test(`warm, ${name}: the good spec is served on, and the next update is taken`, async (t) => {
    const pair = await startPair(t, ['--clear-datastore-on-unauthorized']);
    const { origin, proxy } = pair;
    const good = await rawRequest(proxy.url + PATH);
    assert.equal(good.status, 200);
    // For faults that look like an update: newer than what is held.
    origin.project = { ...origin.project, time: origin.project.time + (fault === OLDER ? 0 : 60_000) };
    origin.fault = fault;
    await pollOnce(pair, isTimeout(name));
    const after = await rawRequest(proxy.url + PATH);
    assert.equal(after.status, 200);
    assert.equal(after.text, good.text);
    assert.equal(proxy.logs.withMessage('origin failing: still serving the last good spec').length, 1);
    origin.fault = undefined;
    origin.project = { ...origin.project, time: origin.project.time + 60_000, greeting: 'new' };
    await pollOnce(pair);
    assert.match((await rawRequest(proxy.url + PATH)).text, /"greeting":"new"/);
    assert.equal(proxy.logs.withMessage('origin answering again').length, 1);
  });
}

for (const [status, fault] of Object.entries(REFUSING)) {
  test(`cold, HTTP ${status} of the origin: 401, remembered for ten seconds`, async (t) => {
    const { origin, proxy, clock } = await startPair(t);
    origin.fault = fault;
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await rawRequest(proxy.url + PATH);
      assert.equal(answer.status, 401);
      assert.equal((JSON.parse(answer.text) as ErrorShape).reason, 'key_refused');
    }
    assert.equal(origin.requests.length, 1);
    origin.fault = undefined;
    clock.advance(10_000);
    assert.equal((await rawRequest(proxy.url + PATH)).status, 200);
  });

  test(`warm, HTTP ${status} of the origin: the good spec is served on`, async (t) => {
    const pair = await startPair(t);
    const good = await rawRequest(pair.proxy.url + PATH);
    pair.origin.fault = fault;
    await pollOnce(pair);
    assert.equal((await rawRequest(pair.proxy.url + PATH)).text, good.text);
    const told = 'origin refused this SDK key: still serving the last good spec';
    assert.equal(pair.proxy.logs.withMessage(told).length, 1);
  });

  test(`warm, HTTP ${status} of the origin, with --clear-datastore-on-unauthorized: 401 from that poll on`, async (t) => {
    const pair = await startPair(t, ['--clear-datastore-on-unauthorized']);
    await rawRequest(pair.proxy.url + PATH);
    pair.origin.fault = fault;
    await pollOnce(pair);
    assert.equal((await rawRequest(pair.proxy.url + PATH)).status, 401);
    assert.equal(pair.proxy.logs.withMessage('spec dropped: origin refused the SDK key').length, 1);
  });
}

test('500 cold readers in six spellings of Accept-Encoding cost one upstream request', async (t) => {
  const { origin, proxy } = await startPair(t);
  const spellings = [
    'gzip',
    'gzip, br',
    'br;q=1, gzip;q=0.5',
    'statsig-br, gzip, deflate, br',
    'identity',
    'gzip,gzip',
  ];
  const release = origin.hold();
  const readers = Array.from({ length: 500 }, (_none, index) =>
    rawRequest(proxy.url + PATH, { headers: { 'accept-encoding': spellings[index % spellings.length] } }),
  );
  await origin.arrived(1);
  release();
  const statuses = new Set((await Promise.all(readers)).map((answer) => answer.status));
  assert.deepEqual([...statuses], [200]);
  assert.equal(origin.requests.length, 1);
});

test('a client that reads gzip alone gets what the origin compressed, and polls ask for the same', async (t) => {
  for (const [accepted, asked, sent] of [
    ['gzip, deflate', 'gzip', 'gzip'],
    ['gzip, deflate, br', 'br, gzip', 'br'],
  ] as const) {
    const pair = await startPair(t);
    pair.origin.encoding = sent;
    const headers = { 'accept-encoding': accepted };
    const answer = await rawRequest(pair.proxy.url + PATH, { headers });
    assert.equal(answer.headers['content-encoding'], sent);
    await pollOnce(pair);
    assert.deepEqual(
      pair.origin.requests.map((request) => request.headers['accept-encoding']),
      [asked, asked],
    );
  }
});

test('Retry-After of the origin is passed on, and kept to', async (t) => {
  const { origin, proxy, clock } = await startPair(t);
  origin.fault = (response) => {
    response.writeHead(429, { 'retry-after': '30', 'content-length': 0 }).end();
  };
  assert.equal((await rawRequest(proxy.url + PATH)).headers['retry-after'], '30');
  clock.advance(29_500);
  assert.equal((await rawRequest(proxy.url + PATH)).headers['retry-after'], '1');
  assert.equal(origin.requests.length, 1);
});

test('where pinned keys fill every place, another key is told why it has none', async (t) => {
  const { origin, proxy } = await startPair(t, ['-m', '1', '--sdk-keys', 'secret-pinned']);
  await proxy.app.startedUp;
  const before = origin.requests.length;
  const answer = await rawRequest(proxy.url + PATH);
  assert.equal(answer.status, 503);
  assert.equal((JSON.parse(answer.text) as ErrorShape).reason, 'sdk_keys_limit_reached');
  assert.equal(origin.requests.length, before);
});
