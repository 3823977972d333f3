// The core SDK, unmodified, behind the proxy: it speaks protobuf by default.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCoreSdk } from './core-sdk.js';
import { eventually } from './deadline.js';
import { startPassThrough } from './pass-through.js';
import { assertGoodManners, LATER_GREETING, startScene } from './scene.js';
import { addSdkCases, newSdkKey } from './sdk-cases.js';

addSdkCases({ name: 'the core SDK by protobuf', start: startCoreSdk, api: 'v2', format: 'protobuf' });

test('the core SDK is served protobuf when there is news, and JSON when there is none', async (t) => {
  const scene = await startScene(t);
  const between = await startPassThrough(t, scene.proxy.url);
  const sdk = await startCoreSdk(t, between.url, newSdkKey());
  assert.equal(sdk.init.isSuccess, true);
  await eventually('second question of the SDK', () => between.exchanges.length >= 2);
  const [first, second] = between.exchanges;
  assert.equal(first?.status, 200);
  assert.equal(first.contentType, 'application/octet-stream');
  assert.equal(first.contentEncoding, 'statsig-br');
  assert.match(second?.url ?? '', /sinceTime=/);
  assert.equal(second?.contentType, 'application/json');
  assert.equal(second.contentEncoding, undefined);
  assert.equal(sdk.isGateOpen(), true);
});

test('a core SDK that asks for deltas gets whole specs, and its update', async (t) => {
  const scene = await startScene(t);
  const between = await startPassThrough(t, scene.proxy.url);
  const sdk = await startCoreSdk(t, between.url, newSdkKey(), { enableDcsDeltas: true });
  assert.equal(sdk.init.isSuccess, true);
  scene.changeProject();
  await eventually('update at the SDK', () => sdk.greeting() === LATER_GREETING);
  assert.equal(sdk.isGateOpen(), false);
  const asked = between.exchanges.map(({ url }) => new URL(url, between.url).searchParams);
  assert.ok(asked.every((params) => params.get('accept_deltas') === 'true'));
  assert.ok(asked.some((params) => params.has('checksum')));
  await assertGoodManners(scene);
});
