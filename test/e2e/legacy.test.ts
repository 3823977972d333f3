// The legacy SDK, unmodified, behind the proxy: v1 JSON.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { StatsigServer, type StatsigOptions } from 'statsig-node';
import { eventsOf, startEventOrigin } from '../fakes/event-origin.js';
import { startProxy } from '../fakes/proxy.js';
import { eventually, within } from './deadline.js';
import { assertGoodManners, GREETING, startScene, statusesServed } from './scene.js';
import { addSdkCases, newSdkKey, type RunningSdk } from './sdk-cases.js';

const USER = { userID: 'a-user' };
/** The shortest the SDK accepts. */
const POLL_EVERY_MS = 5000;

async function startLegacySdk(
  t: TestContext,
  url: string,
  sdkKey: string,
  options: StatsigOptions = {},
): Promise<RunningSdk> {
  const sdk = new StatsigServer(sdkKey, {
    api: `${url}/v1`,
    rulesetsSyncIntervalMs: POLL_EVERY_MS,
    initTimeoutMs: 3000,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
    ...options,
  });
  t.after(() => sdk.shutdownAsync());
  const { success, error } = await within(sdk.initializeAsync(), 'end of the initialisation');
  return {
    init: { isSuccess: success, error: error?.message ?? '' },
    isGateOpen: () => sdk.checkGate(USER, 'demo_gate'),
    greeting: () => sdk.getConfig(USER, 'demo_config').value['greeting'],
  };
}

addSdkCases({ name: 'the legacy SDK', start: startLegacySdk, api: 'v1', format: 'json' });

test('a legacy SDK that asks for ID lists too initialises, though the origin has no manifest of them', async (t) => {
  const scene = await startScene(t);
  const sdk = await startLegacySdk(t, scene.proxy.url, newSdkKey(), { initStrategyForIDLists: 'await' });
  assert.equal(sdk.init.isSuccess, true);
  assert.equal(sdk.greeting(), GREETING);
  await eventually('line of both answers', () => statusesServed(scene.proxy).length >= 2);
  assert.deepEqual(statusesServed(scene.proxy), [200, 503]);
  await assertGoodManners(scene);
});

test('a legacy SDK whose options end with a slash gets its specs and ID lists, and its log events are taken', async (t) => {
  const scene = await startScene(t);
  const events = await startEventOrigin();
  t.after(() => events.close());
  const proxy = await startProxy({
    origin: scene.origin.url,
    eventOrigin: events.url,
    args: ['--debug-logging'],
  });
  t.after(() => proxy.app.stop());
  const sdk = new StatsigServer(newSdkKey(), {
    api: `${proxy.url}/v1/`,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
  });
  const { success } = await within(sdk.initializeAsync(), 'end of the initialisation');
  assert.equal(success, true);
  assert.equal(sdk.checkGate(USER, 'demo_gate'), true);
  sdk.logEvent(USER, 'bought');
  await within(sdk.shutdownAsync(), 'end of the SDK');
  await eventually('event at the origin', () =>
    events.taken.some((batch) => eventsOf(batch).some(({ eventName }) => eventName === 'bought')),
  );
  assert.ok(statusesServed(proxy).every((status) => status === 200 || status === 202));
});
