// Active and passive together: the proxy fills Redis and goes, the origin goes, and only then applications start.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { DemoProject } from '../../scripts/demo-specs.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { startProxy } from '../fakes/proxy.js';
import { eventually } from './deadline.js';
import type { PassiveAppOptions, PassiveSdk } from './passive-app.js';
import {
  entryName,
  FORMS,
  GREETING,
  LATER_GREETING,
  LATER_PROJECT,
  PROJECT,
  startPassiveScene,
  type KeySchema,
  type PassiveScene,
} from './passive-scene.js';

interface Case {
  readonly schema: KeySchema;
  readonly sdk: PassiveSdk;
  readonly options?: Partial<PassiveAppOptions>;
}

const CASES: readonly Case[] = [
  { schema: 'sha256', sdk: 'core by JSON' },
  { schema: 'sha256', sdk: 'core by protobuf' },
  { schema: 'sha256', sdk: 'legacy' },
  { schema: 'prefix', sdk: 'core by JSON', options: { keySchema: 'v3' } },
  { schema: 'prefix', sdk: 'core by protobuf', options: { keySchema: 'v3' } },
];

describe('with proxy and origin gone', { concurrency: true }, () => {
  for (const { schema, sdk, options = {} } of CASES) {
    it(`${sdk} evaluates what the proxy left in Redis by ${schema}, and what the next proxy brings`, async (t) => {
      const scene = await startPassiveScene(t);
      const proxyUrl = await fillByProxy(t, scene, PROJECT, schema);
      const app = await scene.startApp(sdk, { networkUrl: proxyUrl, ...options });
      const view = await app.look();
      assert.deepEqual(view.init, { isSuccess: true, error: '' });
      assert.equal(view.isGateOpen, true);
      assert.equal(view.greeting, GREETING);
      await fillByProxy(t, scene, LATER_PROJECT, schema);
      await app.waitFor('update at the SDK', ({ greeting }) => greeting === LATER_GREETING);
      assert.equal((await app.look()).isGateOpen, false);
    });
  }
});

/** Starts origin and proxy, waits until Redis has every form of the project, stops both: nobody listens at the URL given. */
async function fillByProxy(
  t: TestContext,
  { redis, client, sdkKey }: PassiveScene,
  project: DemoProject,
  schema: KeySchema,
): Promise<string> {
  const origin = await startFakeOrigin();
  let closing: Promise<void> | undefined;
  const closeOrigin = (): Promise<void> => (closing ??= origin.close());
  t.after(closeOrigin);
  origin.project = project;
  const proxy = await startProxy({
    origin: origin.url,
    cache: 'redis',
    args: ['--redis-key-schema', schema],
    env: { REDIS_URL: redis.url, SFP_SDK_KEYS: sdkKey, SFP_PINNED_PAYLOADS: 'v1,v2,v2-protobuf' },
  });
  t.after(() => proxy.app.stop());
  const names = Object.values(FORMS).map((form) => entryName(sdkKey, form, schema));
  await eventually('spec of the project in every form', async () => {
    const versions = await Promise.all(names.map((name) => client.hget(name, 'lcut')));
    return versions.every((version) => version === String(project.time));
  });
  await proxy.app.stop();
  await closeOrigin();
  await assert.rejects(fetch(proxy.url));
  await assert.rejects(fetch(origin.url));
  return proxy.url;
}
