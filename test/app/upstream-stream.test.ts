// Proxies behind proxies that are told of new versions by streams: what reaches them, and what becomes of it when streams break.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { scrape } from '../fakes/metrics-page.js';
import { inRealTime, ManualClock } from '../fakes/manual-clock.js';
import { startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startTcpProxy } from '../fakes/tcp-proxy.js';

const KEY = 'secret-pushed0123456789';
const TARGETS = [
  `/v1/download_config_specs/${KEY}.json`,
  `/v2/download_config_specs/${KEY}.json`,
  `/v2/download_config_specs/${KEY}.json?supports_proto=true`,
] as const;
/** Longer than any test waits. */
const RARELY = ['--polling-interval-in-s', '3600'];
const PUSHED = ['--upstream-stream'];

async function start(t: TestContext, origin: string, options: Partial<TestProxyOptions>): Promise<TestProxy> {
  const proxy = await startProxy({ origin, ...options });
  const { clock } = options;
  t.after(() => (clock instanceof ManualClock ? inRealTime(clock, proxy.app.stop()) : proxy.app.stop()));
  return proxy;
}

async function versionOf({ url }: TestProxy, target: string): Promise<number> {
  return Number((await rawRequest(url + target)).headers['x-since-time']);
}

async function liveStreams({ adminUrl }: TestProxy): Promise<number> {
  return (await scrape(adminUrl)).sum('sfp_upstream_streams') ?? 0;
}

async function startOrigin(t: TestContext): Promise<FakeOrigin> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return origin;
}

test('a change passes three levels, though only the first one polls', async (t) => {
  const origin = await startOrigin(t);
  const core = await start(t, origin.url, { args: ['--polling-interval-in-s', '1'] });
  const regional = await start(t, core.url, { args: [...RARELY, ...PUSHED] });
  const edge = await start(t, regional.url, { args: [...RARELY, ...PUSHED] });
  for (const target of TARGETS) assert.equal(await versionOf(edge, target), origin.project.time);
  for (const proxy of [regional, edge]) {
    await eventually('streams', async () => (await liveStreams(proxy)) === TARGETS.length);
  }
  const time = origin.project.time + 1;
  origin.project = { ...origin.project, time };
  for (const target of TARGETS) {
    await eventually(`change at the edge: ${target}`, async () => (await versionOf(edge, target)) === time);
  }
  const { upstreamStreams } = JSON.parse((await rawRequest(`${edge.adminUrl}/status`)).text) as {
    readonly upstreamStreams: object;
  };
  assert.deepEqual(upstreamStreams, { live: TARGETS.length, watched: TARGETS.length });
});

test('an origin without streams is polled as before, and that is told once', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await start(t, origin.url, { args: ['--polling-interval-in-s', '1', ...PUSHED] });
  for (const target of TARGETS) await versionOf(proxy, target);
  const told = 'the origin gives no stream of notices: polls go on as without --upstream-stream';
  await eventually('warning', () => proxy.logs.withMessage(told).length > 0);
  const time = origin.project.time + 1;
  origin.project = { ...origin.project, time };
  for (const target of TARGETS) {
    await eventually('change', async () => (await versionOf(proxy, target)) === time);
  }
  assert.equal(proxy.logs.withMessage(told).length, 1);
  assert.ok(!proxy.logs.text.includes(KEY));
});

test('a stream that falls silent, or is cut, is opened again, and brings what was missed', async (t) => {
  const origin = await startOrigin(t);
  const core = await start(t, origin.url, { args: ['--polling-interval-in-s', '1'] });
  const network = await startTcpProxy(t, Number(new URL(core.url).port));
  const clock = new ManualClock();
  const edge = await start(t, `http://127.0.0.1:${network.port}`, { args: [...RARELY, ...PUSHED], clock });
  const [target] = TARGETS;
  await versionOf(edge, target);
  await eventually('stream', async () => (await liveStreams(edge)) === 1);
  for (const trouble of ['silence', 'cut'] as const) {
    if (trouble === 'silence') network.silence();
    else await network.cut();
    await eventually('end of the stream', async () => {
      clock.advance(5_000);
      return (await liveStreams(edge)) === 0;
    });
    const time = origin.project.time + 1;
    origin.project = { ...origin.project, time };
    await eventually('change at the core', async () => (await versionOf(core, target)) === time);
    await network.heal();
    await eventually('change at the edge', async () => {
      clock.advance(1_000);
      return (await versionOf(edge, target)) === time;
    });
    await eventually('stream', async () => {
      clock.advance(100);
      return (await liveStreams(edge)) === 1;
    });
  }
});
