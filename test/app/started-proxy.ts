// A proxy before an origin of its own; both end with the test.
import type { TestContext } from 'node:test';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy, type TestProxyOptions } from '../fakes/proxy.js';

export async function start(
  t: TestContext,
  options: Omit<TestProxyOptions, 'origin'>,
): Promise<{ readonly origin: FakeOrigin; readonly proxy: TestProxy }> {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ ...options, origin: origin.url });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  return { origin, proxy };
}
