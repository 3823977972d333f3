// The core SDK, unmodified, on the proxy's stream: its first spec, pushed updates, and a proxy restarted under it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAILING } from '../fakes/origin-faults.js';
import type { LogLine } from '../fakes/log-sink.js';
import { eventually, within } from './deadline.js';
import { POLL_EVERY_MS, startGrpcScene, type GrpcScene } from './grpc-scene.js';
import { GREETING, LATER_GREETING } from './scene.js';
import { newSdkKey, type RunningSdk } from './sdk-cases.js';

/** From the answer to a poll until the SDK evaluates by it, on a machine that runs all other tests at the same time. */
const PUSH_MS_MAX = 15_000;

describe('the core SDK by gRPC', { concurrency: true }, () => {
  it('initialises through the stream with the values of the origin', async (t) => {
    const scene = await startGrpcScene(t);
    assertHasValues(await scene.startSdk(newSdkKey()));
    const { searchParams, pathname } = new URL(scene.origin.requests[0]?.url ?? '', scene.origin.url);
    assert.match(pathname, /^\/v2\/download_config_specs\//);
    assert.equal(searchParams.get('supports_proto'), null, 'specs on a stream are JSON');
    assert.equal(scene.proxy.logs.withMessage('GrpcStreamingStreamedInitialized').length, 1);
  });

  it('gets an update within one poll interval, by push', async (t) => {
    const scene = await startGrpcScene(t);
    const sdk = await scene.startSdk(newSdkKey());
    assertHasValues(sdk);
    const changedAtMs = performance.now();
    scene.changeProject();
    await eventually('update at the SDK', () => sdk.greeting() === LATER_GREETING);
    const tookMs = performance.now() - changedAtMs;
    assert.equal(sdk.isGateOpen(), false);
    // Were it not pushed, the SDK would hear of it after 30 s, or never.
    assert.ok(tookMs < POLL_EVERY_MS + PUSH_MS_MAX, `it took ${tookMs.toFixed(0)} ms`);
    assert.equal(scene.proxy.logs.withMessage('GrpcStreamingStreamedInitialized').length, 1);
  });

  it('goes on while the proxy is restarted, reconnects by itself, and gets what changed meanwhile', async (t) => {
    const scene = await startGrpcScene(t);
    const sdk = await scene.startSdk(newSdkKey());
    assertHasValues(sdk);
    await within(scene.stopProxy(), 'end of the proxy');
    scene.changeProject();
    assertHasValues(sdk);
    await scene.startProxyAgain();
    assertHasValues(sdk);
    await eventually('update made meanwhile', () => sdk.greeting() === LATER_GREETING);
    assert.equal(sdk.isGateOpen(), false);
    await assertIsPushedTo(scene, sdk);
  });

  it('takes "no updates" from a restarted proxy when nothing changed, and the next update by push', async (t) => {
    const scene = await startGrpcScene(t);
    const sdk = await scene.startSdk(newSdkKey());
    await within(scene.stopProxy(), 'end of the proxy');
    await scene.startProxyAgain();
    // The stream that the SDK opens makes it ask the origin: what was first is known before there is an update.
    const isTaken = ({ msg }: LogLine): boolean => msg === 'spec updated';
    await within(scene.proxy.logs.waitFor(isTaken), 'new stream');
    await assertIsPushedTo(scene, sdk);
    // No whole spec was sent for what the SDK had: the one that was is the update.
    await eventually('line of the update', () => specsSent(scene) > 0);
    assert.equal(specsSent(scene), 1);
  });

  it('initialises from a warm proxy when the origin is gone', async (t) => {
    const scene = await startGrpcScene(t);
    const sdkKey = newSdkKey();
    assertHasValues(await scene.startSdk(sdkKey));
    await scene.closeOrigin();
    assertHasValues(await scene.startSdk(sdkKey));
  });

  it('fails to initialise with origin down and proxy cold, and gets the values by its stream later', async (t) => {
    const scene = await startGrpcScene(t);
    scene.origin.fault = FAILING['connection_lost by a reset'];
    const sdk = await scene.startSdk(newSdkKey());
    assert.equal(sdk.init.isSuccess, false);
    assert.equal(sdk.greeting(), undefined);
    scene.origin.fault = undefined;
    await eventually('value at the SDK', () => sdk.greeting() === GREETING);
    assert.equal(sdk.isGateOpen(), true);
  });
});

function assertHasValues(sdk: RunningSdk): void {
  assert.deepEqual(sdk.init, { isSuccess: true, error: '' });
  assert.equal(sdk.isGateOpen(), true);
  assert.equal(sdk.greeting(), GREETING);
}

async function assertIsPushedTo(scene: GrpcScene, sdk: RunningSdk): Promise<void> {
  scene.changeProject('hello by push');
  await eventually('pushed update', () => sdk.greeting() === 'hello by push');
}

function specsSent({ proxy }: GrpcScene): number {
  return proxy.logs.withMessage('GrpcStreamingStreamedResponse').length;
}
