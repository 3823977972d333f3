// The core SDK, unmodified, behind the proxy: it speaks protobuf by default.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { startProxy } from '../fakes/proxy.js';
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

describe('a core SDK that asks for deltas', { concurrency: true }, () => {
  it('gets them, and what it has after each is the whole spec: changed, added and gone gates', async (t) => {
    const scene = await startScene(t);
    const { origin } = scene;
    // So many that a delta is smaller than the whole.
    origin.project = { ...origin.project, fillerGates: 60 };
    const between = await startPassThrough(t, scene.proxy.url);
    const sdk = await startCoreSdk(t, between.url, newSdkKey(), { enableDcsDeltas: true });
    assert.equal(sdk.init.isSuccess, true);
    assert.equal(sdk.isOpen('filler_gate_58'), true);
    assert.equal(between.exchanges[0]?.deltaFallback, 'missing_caller_checksum');

    const versions = [
      { isGateOpen: false, greeting: LATER_GREETING, fillerGates: 60 },
      { isGateOpen: true, greeting: 'third', fillerGates: 50 },
      { isGateOpen: true, greeting: 'fourth', fillerGates: 64 },
    ];
    for (const [index, version] of versions.entries()) {
      origin.project = { time: origin.project.time + 60_000, ...version };
      await eventually('update at the SDK', () => sdk.greeting() === version.greeting);
      assert.equal(sdk.isGateOpen(), version.isGateOpen);
      assert.equal(sdk.isOpen('filler_gate_48'), true);
      assert.equal(sdk.isOpen('filler_gate_58'), version.fillerGates > 58);
      assert.equal(sdk.isOpen('filler_gate_62'), version.fillerGates > 62);
      const deltas = between.exchanges.filter(({ deltasUsed }) => deltasUsed === 'true');
      assert.equal(deltas.length, index + 1, JSON.stringify(between.exchanges));
      assert.equal(deltas.at(-1)?.contentEncoding, 'statsig-br');
    }
    await assertGoodManners(scene);
    // An SDK that found a checksum wrong would ask for the whole spec.
    const asked = between.exchanges.map(({ url }) => new URL(url, between.url).searchParams);
    assert.ok(asked.every((params) => params.get('accept_deltas') === 'true'));
  });

  it('gets the whole spec from a replica that never held its version', async (t) => {
    const scene = await startScene(t);
    const { origin } = scene;
    origin.project = { ...origin.project, fillerGates: 60 };
    const targets = [scene.proxy.url];
    const between = await startPassThrough(t, () => targets[0] ?? '');
    const sdk = await startCoreSdk(t, between.url, newSdkKey(), { enableDcsDeltas: true });
    assert.equal(sdk.init.isSuccess, true);
    const other = await startProxy({ origin: origin.url, args: ['-p', '1'] });
    t.after(() => other.app.stop());
    scene.changeProject();
    targets[0] = other.url;
    await eventually('update at the SDK', () => sdk.greeting() === LATER_GREETING);
    assert.equal(sdk.isGateOpen(), false);
    assert.equal(sdk.isOpen('filler_gate_58'), false, 'gone with the update');
    assert.ok(between.exchanges.some(({ deltaFallback }) => deltaFallback === 'no_cached'));
    assert.ok(between.exchanges.every(({ deltasUsed }) => deltasUsed === undefined));
  });
});
