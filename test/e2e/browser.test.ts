// Statsig's client SDK that evaluates specs itself, unmodified, behind the proxy; and what browsers ask on its behalf.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { StatsigOnDeviceEvalClient } from '@statsig/js-on-device-eval-client';
import { eventsOf, startEventOrigin, type EventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { eventually, within } from './deadline.js';

const SDK_KEY = 'client-browserkey0123456789';
const SPECS = '/v1/download_config_specs';

async function startScene(t: TestContext): Promise<{ proxy: TestProxy; events: EventOrigin }> {
  const [origin, events] = await Promise.all([startFakeOrigin(), startEventOrigin()]);
  t.after(() => Promise.all([origin.close(), events.close()]));
  const proxy = await startProxy({ origin: origin.url, eventOrigin: events.url });
  t.after(() => proxy.app.stop());
  return { proxy, events };
}

function preflight(url: string, wanted?: string): Promise<RawAnswer> {
  const headers = {
    origin: 'https://shop.example',
    'access-control-request-method': 'POST',
    ...(wanted === undefined ? {} : { 'access-control-request-headers': wanted }),
  };
  return rawRequest(url, { method: 'OPTIONS', headers });
}

test('the on-device-eval client, which names its key in the query alone, has values and delivers events', async (t) => {
  const { proxy, events } = await startScene(t);
  const sdk = new StatsigOnDeviceEvalClient(SDK_KEY, {
    networkConfig: { api: `${proxy.url}/v1` },
    // Outside of browsers it logs nothing otherwise.
    loggingEnabled: 'always',
  });
  t.after(() => sdk.shutdown());
  await within(sdk.initializeAsync(), 'end of the initialisation');
  const user = { userID: 'a-user' };
  assert.equal(sdk.checkGate('demo_gate', user), true);
  assert.equal(sdk.getDynamicConfig('demo_config', user).value['greeting'], 'hello');
  sdk.logEvent({ eventName: 'bought' }, user);
  await within(sdk.flush(), 'end of the flush');
  const names = (): string[] =>
    events.taken.flatMap((batch) => eventsOf(batch).map(({ eventName }) => eventName));
  await eventually('event at the origin', () => names().includes('bought'));
  assert.ok(events.taken.every(({ sdkKey }) => sdkKey === SDK_KEY));
});

test('a browser is given leave for the requests of client SDKs, and for no others', async (t) => {
  const { proxy } = await startScene(t);
  const wanted = 'statsig-event-count,statsig-retry-count,statsig-sdk-type,statsig-sdk-version';
  for (const path of [
    SPECS,
    `${SPECS}/`,
    `${SPECS}/x.json`,
    `/v2/download_config_specs`,
    '/v1/rgstr',
    '/v1/log_event?k=x',
  ]) {
    const answer = await preflight(proxy.url + path, wanted);
    assert.equal(answer.status, 204, path);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.headers['access-control-allow-headers'], wanted);
    assert.match(answer.headers['access-control-allow-methods'] ?? '', /\bGET\b.*\bPOST\b/);
    assert.equal(answer.headers['access-control-max-age'], '86400');
    assert.equal(answer.headers.vary, 'access-control-request-headers');
    assert.equal(answer.bytes.length, 0);
  }
  assert.equal((await preflight(`${proxy.url}/v1/rgstr`)).headers['access-control-allow-headers'], undefined);
  for (const path of ['/v1/get_id_lists', '/v1/health', '/nowhere']) {
    const answer = await preflight(proxy.url + path, wanted);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  assert.equal((await preflight(`${proxy.adminUrl}/status`)).status, 404);
});

test('a page may read every answer of these routes, whatever its status', async (t) => {
  const { proxy } = await startScene(t);
  const key = `?k=${SDK_KEY}`;
  for (const [path, method, body, status] of [
    [SPECS + key, 'GET', undefined, 200],
    [SPECS + key, 'HEAD', undefined, 200],
    [SPECS + key, 'POST', '{"sinceTime":1}', 200],
    [`${SPECS}${key}&sinceTime=9999999999999`, 'GET', undefined, 200],
    [SPECS, 'GET', undefined, 400],
    [`/v1/rgstr${key}`, 'POST', '{"events":[]}', 202],
    [`/v1/rgstr${key}`, 'POST', 'no JSON', 400],
  ] as const) {
    const answer = await rawRequest(proxy.url + path, { method, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.status, status, `${method} ${path}`);
    assert.equal(answer.headers['access-control-allow-origin'], '*', `${method} ${path}`);
  }
  for (const path of ['/v1/health', `/v1/get_id_lists/${SDK_KEY}.json`]) {
    const answer = await rawRequest(proxy.url + path);
    assert.equal(answer.headers['access-control-allow-origin'], undefined, path);
  }
});
