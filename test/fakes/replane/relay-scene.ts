// A proxy before a Replane server of its own, and clients of it that read streams below any SDK; all end with the test.
import type { TestContext } from 'node:test';
import { inRealTime, ManualClock } from '../manual-clock.js';
import { startProxy, type TestProxy, type TestProxyOptions } from '../proxy.js';
import type { RedisServer } from '../redis-server.js';
import { PythonReader } from './python-reader.js';
import { ReplaneOrigin } from './replane-origin.js';

/** No test lasts as long: projects are read again only where a test wants it. */
const RARELY = ['--replane-resync-interval-in-s', '3600'];

export async function startReplane(t: TestContext): Promise<ReplaneOrigin> {
  const origin = await ReplaneOrigin.start();
  t.after(() => origin.down());
  return origin;
}

export async function startRelay(
  t: TestContext,
  origin: ReplaneOrigin,
  { args = [], ...options }: Omit<TestProxyOptions, 'origin'> = {},
): Promise<TestProxy> {
  const settings = ['--replane-endpoint', origin.url, ...RARELY, ...args];
  const proxy = await startProxy({ origin: 'http://127.0.0.1:9', args: settings, ...options });
  const { clock } = options;
  t.after(() => (clock instanceof ManualClock ? inRealTime(clock, proxy.app.stop()) : proxy.app.stop()));
  return proxy;
}

/** One of several with the same Redis, which looks there every second for what others have stored. */
export function startReplica(
  t: TestContext,
  origin: ReplaneOrigin,
  redis: RedisServer,
  name: string,
  { args = [], ...options }: Omit<TestProxyOptions, 'origin'> = {},
): Promise<TestProxy> {
  const settings = ['--redis-port', String(redis.port), '--polling-interval-in-s', '1', ...args];
  return startRelay(t, origin, { cache: 'redis', args: settings, env: { HOSTNAME: name }, ...options });
}

export async function openReader(
  t: TestContext,
  { url }: Pick<TestProxy, 'url'>,
  sdkKey: string,
): Promise<PythonReader> {
  const reader = await PythonReader.open(url, sdkKey);
  t.after(() => {
    reader.close();
  });
  return reader;
}
