// The fake origin for one test, closed when the test is over.
import type { TestContext } from 'node:test';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';

export async function startOrigin(t: TestContext): Promise<FakeOrigin> {
  const origin = await startFakeOrigin();
  t.after(() => origin.close());
  return origin;
}

/** Where nobody listens: for runs in which the origin is not asked. */
export const NO_ORIGIN = 'http://127.0.0.1:9';

export function specPath(sdkKey: string): string {
  return `/v1/download_config_specs/${sdkKey}.json`;
}
