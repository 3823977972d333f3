// Replane's SDKs behind the whole app: what applications rely on, and that every evaluation comes to the same as without it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { replaneContract } from '../contracts/replane-contract.js';
import { eventually } from '../e2e/deadline.js';
import { randomConfigs, randomContext } from '../fakes/replane/random-project.js';
import { SdkApp, sdkVersions } from '../fakes/replane/replane-sdk.js';
import { sharedScene } from './replane-scene.js';

const CASES = 200;

const scene = await sharedScene();
const { origin, proxy } = scene;

replaneContract('relay', { origin, url: proxy.url });

test('200 random configs come to the same for 200 random contexts as with the server itself', async () => {
  const contexts = fc.array(randomContext, { minLength: CASES, maxLength: CASES });
  await fc.assert(
    fc.asyncProperty(randomConfigs(CASES), contexts, async (configs, users) => {
      const { sdkKey, project } = origin.addKey();
      // Half of them are there at first, the others come as changes.
      const [first, later] = [configs.slice(0, CASES / 2), configs.slice(CASES / 2)];
      for (const { name, value, overrides } of first) project.set(name, value, overrides);
      const pairs = sdkVersions.map((version) => ({
        direct: new SdkApp(origin.url, sdkKey, { version }),
        relayed: scene.app(sdkKey, { version }),
      }));
      for (const { direct, relayed } of pairs) await Promise.all([direct.connect(), relayed.connect()]);
      for (const { name, value, overrides } of later) project.set(name, value, overrides);
      for (const { direct, relayed } of pairs) {
        for (const app of [direct, relayed]) {
          await eventually('last config', () => app.get(`c${CASES - 1}`, {}) !== undefined);
        }
        assert.deepEqual(relayed.snapshot(), direct.snapshot());
        for (const { name } of configs) {
          for (const user of users) assert.deepEqual(relayed.get(name, user), direct.get(name, user));
        }
        direct.disconnect();
        relayed.disconnect();
      }
    }),
    { numRuns: 1 },
  );
});

test('M17: a client that takes nothing for a while gets the last value of each config, not all that were', async () => {
  const { sdkKey, project } = origin.addKey();
  const [changes, filler] = [60, 'x'.repeat(500_000)];
  const set = (n: number): void => {
    for (const name of ['a', 'b']) project.set(name, { n, filler: name === 'a' ? filler : '' });
  };
  const numberIn = (value: unknown): number => (value as { readonly n: number }).n;
  set(0);
  const slow = await scene.client(sdkKey).received('"init"');
  const quick = scene.app(sdkKey);
  await quick.connect();
  slow.pause();
  for (let n = 1; n <= changes; n += 1) {
    set(n);
    await eventually(`change ${n}`, () => numberIn(quick.get('b')) === n);
  }
  slow.resume();
  await slow.received(`"value":{"n":${changes},"filler":""}`);
  for (const name of ['a', 'b']) {
    const seen = slow.valuesOf(name).map(numberIn);
    assert.equal(seen.at(-1), changes);
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((left, right) => left - right),
    );
    // What sockets buffer is several megabytes, of 30; what waits here is one version.
    assert.ok(seen.length < changes * 0.8, `${seen.length} of ${changes}`);
  }
});
