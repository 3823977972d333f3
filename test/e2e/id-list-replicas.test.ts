// Replicas behind one address: an SDK gets its manifest from one and the files from others, and knows who is on a list.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startIdListOrigin } from '../fakes/id-list-origin.js';
import { startRedisServer } from '../fakes/redis-server.js';
import type { Environment, Operands } from '../process/daemon.js';
import { assertGoodListManners, startListProxy } from './id-list-scene.js';
import { LIST, LIST_SDKS, type StartListSdk } from './id-list-sdks.js';
import { startPassThrough } from './pass-through.js';
import { newSdkKey } from './sdk-cases.js';

/** One more than the requests of a sync, so that no kind of request meets the same replica each time. */
const REPLICAS = 3;
const GROWTHS = 3;

interface Sharing extends Operands {
  readonly env: Environment;
}

describe('an SDK before several replicas', { concurrency: true }, () => {
  for (const [name, start] of LIST_SDKS) {
    it(`knows the members of its lists where nothing is shared: ${name}`, async (t) => {
      await membersAreKnown(t, start, { cache: 'disabled', env: {} });
    });

    it(`knows the members of its lists where a Redis is shared: ${name}`, async (t) => {
      const redis = await startRedisServer(t);
      await membersAreKnown(t, start, { cache: 'redis', env: { REDIS_URL: redis.url } });
    });
  }
});

async function membersAreKnown(t: TestContext, start: StartListSdk, sharing: Sharing): Promise<void> {
  const origin = await startIdListOrigin(t);
  const project = origin.addProject(newSdkKey());
  const list = project.addList(LIST, 'alice', 'bob');
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, (_none, index) =>
      startListProxy(t, origin, { ...sharing, env: { HOSTNAME: `replica-${index}`, ...sharing.env } }),
    ),
  );
  const balancer = await startPassThrough(
    t,
    replicas.map(({ url }) => url),
  );
  const sdk = await start(t, balancer.url, project.sdkKey);
  await sdk.sees({ alice: true, bob: true, carl: false });
  const members: Record<string, boolean> = { alice: true, bob: true };
  for (let growth = 0; growth < GROWTHS; growth += 1) {
    list.add(`user-${growth}`);
    members[`user-${growth}`] = true;
    await sdk.sees(members);
  }
  list.replace('dora');
  await sdk.sees({ alice: false, bob: false, dora: true });
  assert.equal(sdk.isListed('user-0'), false);
  assertGoodListManners(origin);
}
