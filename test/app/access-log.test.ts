// --access-log: a line for each answer, with what it was and who asked, and no whole key, wherever a client writes it.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { maskSdkKey } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';

const SPEC = '/v1/download_config_specs';

async function start(t: TestContext, args: readonly string[]): Promise<TestProxy> {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ origin: origin.url, args });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  return proxy;
}

test('each answer is one line', async (t) => {
  const proxy = await start(t, ['--access-log']);
  const headers = {
    'accept-encoding': 'identity',
    'statsig-sdk-type': `node ${SDK_KEY}`,
    'statsig-sdk-version': '6.5.2',
  };
  const body = await (await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`, { headers })).arrayBuffer();
  await fetch(`${proxy.url}/${SDK_KEY}`);
  await fetch(`${proxy.url}/v1/health`);
  const lines = (): ReturnType<typeof proxy.logs.withMessage> => proxy.logs.withMessage('access');
  await eventually('three lines', () => lines().length === 3);
  const [spec, strange, probe] = lines();
  assert.ok(Number(spec?.['ms']) > 0);
  assert.deepEqual(
    ['method', 'route', 'sdkKey', 'status', 'bytes', 'sdkType', 'sdkVersion'].map((name) => spec?.[name]),
    ['GET', SPEC, maskSdkKey(SDK_KEY), 200, body.byteLength, `node ${maskSdkKey(SDK_KEY)}`, '6.5.2'],
  );
  assert.deepEqual([strange?.['route'], strange?.['status']], ['none', 404]);
  assert.deepEqual([probe?.['route'], probe?.['sdkKey']], ['/v1/health', undefined]);
  assert.ok(!JSON.stringify(proxy.logs.lines).includes(SDK_KEY));
});

test('without the option there is none', async (t) => {
  const proxy = await start(t, []);
  await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  await proxy.app.stop();
  assert.deepEqual(proxy.logs.withMessage('access'), []);
});
