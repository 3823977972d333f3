// The core SDK, unmodified, behind the proxy, without protobuf: what it was before it learnt that.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startCoreSdk } from './core-sdk.js';
import { startPassThrough } from './pass-through.js';
import { startScene } from './scene.js';
import { addSdkCases, newSdkKey, type RunningSdk } from './sdk-cases.js';

addSdkCases({
  name: 'the core SDK by JSON',
  start: async (t: TestContext, url: string, sdkKey: string): Promise<RunningSdk> => {
    const between = await startPassThrough(t, url, { hidesProtobuf: true });
    return await startCoreSdk(t, between.url, sdkKey);
  },
  api: 'v2',
  format: 'json',
});

test('the core SDK is served JSON where it does not ask for protobuf', async (t) => {
  const scene = await startScene(t);
  const between = await startPassThrough(t, scene.proxy.url, { hidesProtobuf: true });
  const sdk = await startCoreSdk(t, between.url, newSdkKey());
  assert.equal(sdk.init.isSuccess, true);
  const [first] = between.exchanges;
  assert.equal(first?.status, 200);
  assert.equal(first.contentType, 'application/json');
  assert.match(first.contentEncoding ?? '', /^(?:br|gzip)$/);
  assert.equal(sdk.isGateOpen(), true);
});

test('the core SDK is served whose options end with a slash', async (t) => {
  const scene = await startScene(t);
  const specsUrl = `${scene.proxy.url}/v2/download_config_specs/`;
  const sdk = await startCoreSdk(t, scene.proxy.url, newSdkKey(), { specsUrl });
  assert.deepEqual(sdk.init, { isSuccess: true, error: '' });
  assert.equal(sdk.isGateOpen(), true);
});
