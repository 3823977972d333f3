// StreamConfigSpec as SDKs call it: what comes first, what comes with each update, and how it ends.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';
import { maskSdkKey } from '../../../../src/domain/sdk-key.js';
import { eventually, within } from '../../../e2e/deadline.js';
import { NO_UPDATES } from '../../../fakes/grpc-client.js';
import { REFUSING } from '../../../fakes/origin-faults.js';
import { SDK_KEY } from '../../../fakes/proxy.js';
import { isStrictlyIncreasing, POLL_MS, startScene } from '../../../servers/grpc/grpc-scene.js';

const OTHER_KEY = 'secret-otherkey9876543210';

describe('a stream', () => {
  it('begins with the current spec, byte for byte, and with the name of the replica', async (t) => {
    const scene = await startScene(t);
    const stream = scene.client().stream({ sdkKey: SDK_KEY, version: 2, sinceTime: 0 });
    const { spec, lastUpdated } = await stream.received(1);
    assert.equal(spec, scene.text('v2'));
    assert.equal(lastUpdated, scene.origin.project.time);
    assert.deepEqual((await stream.metadata).get('x-sfp-hostname'), ['test-replica']);
  });

  it('refuses version 3 with INVALID_ARGUMENT', async (t) => {
    const scene = await startScene(t);
    const { code } = await scene.client().stream({ sdkKey: SDK_KEY, version: 3 }).end();
    assert.equal(code, status.INVALID_ARGUMENT);
    await scene.streams(0);
  });

  it('begins with "no updates" for a current client, and with the spec for one that is behind', async (t) => {
    const scene = await startScene(t);
    const { time } = scene.origin.project;
    const current = scene.client().stream({ sdkKey: SDK_KEY, sinceTime: time });
    const behind = scene.client().stream({ sdkKey: SDK_KEY, sinceTime: time - 1 });
    const first = await current.received(1);
    assert.deepEqual({ ...first }, { ...first, spec: NO_UPDATES, lastUpdated: time });
    assert.equal((await behind.received(1)).spec, scene.text('v1'));
    const next = await scene.update();
    for (const stream of [current, behind]) {
      const { spec, lastUpdated } = await stream.received(2);
      assert.equal(spec, scene.text('v1'));
      assert.equal(lastUpdated, next);
    }
  });

  it('brings each update in its order, and nothing else', async (t) => {
    const scene = await startScene(t);
    const stream = scene.client().stream({ sdkKey: SDK_KEY, version: 2 });
    await stream.received(1);
    const versions = [scene.origin.project.time];
    for (let updates = 1; updates <= 10; updates += 1) {
      versions.push(await scene.update());
      assert.equal((await stream.received(updates + 1)).spec, scene.text('v2'));
    }
    assert.deepEqual(
      stream.messages.map(({ lastUpdated }) => lastUpdated),
      versions,
    );
  });

  it('is not told of what the origin serves again, or of what is older', async (t) => {
    const scene = await startScene(t);
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const { time } = scene.origin.project;
    for (const served of [time, time - 5]) {
      scene.origin.project = { ...scene.origin.project, time: served };
      const before = scene.origin.requests.length;
      scene.clock.advance(POLL_MS);
      await within(scene.origin.arrived(before + 1), 'poll');
      await eventually(
        'end of the poll',
        async () => ((await scene.status()).tables['pollsInFlight']?.entries ?? 0) === 0,
      );
    }
    scene.origin.project = { ...scene.origin.project, time };
    const next = await scene.update();
    assert.equal((await stream.received(2)).lastUpdated, next);
  });

  it('of v1 and one of v2 of the same key each bring their own form of every update', async (t) => {
    const scene = await startScene(t);
    const client = scene.client();
    const streams = [
      ['v1', client.stream({ sdkKey: SDK_KEY, version: 1 })],
      ['v2', client.stream({ sdkKey: SDK_KEY, version: 2 })],
    ] as const;
    for (const [, stream] of streams) await stream.received(1);
    const next = await scene.update();
    for (const [api, stream] of streams) {
      const { spec, lastUpdated } = await stream.received(2);
      assert.equal(spec, scene.text(api));
      assert.equal(lastUpdated, next);
      assert.equal(stream.messages[0]?.spec === spec, false);
    }
    const [entry] = (await scene.status()).streams.byKey;
    assert.equal(entry?.streams, 2);
  });

  it('is not told of another key', async (t) => {
    const scene = await startScene(t);
    const stream = scene.client().stream({ sdkKey: SDK_KEY, sinceTime: scene.origin.project.time });
    await stream.received(1);
    const { time } = scene.origin.project;
    scene.origin.project = { ...scene.origin.project, time: time + 1 };
    const other = scene.client().stream({ sdkKey: OTHER_KEY });
    assert.equal((await other.received(1)).lastUpdated, time + 1);
    scene.origin.project = { ...scene.origin.project, time: time + 2 };
    const next = await scene.update();
    await stream.received(2);
    assert.deepEqual(
      stream.messages.map(({ lastUpdated }) => lastUpdated),
      [time, next],
    );
  });

  it('loses no update that comes while its first spec is being fetched', async (t) => {
    const scene = await startScene(t);
    for (let round = 0; round < 10; round += 1) {
      const sdkKey = `secret-${round}-coldkey-of-a-round`;
      const { time } = scene.origin.project;
      const release = scene.origin.hold();
      const asked = scene.origin.requests.length;
      const streams = Array.from({ length: 5 }, () => scene.client().stream({ sdkKey, version: 2 }));
      await within(scene.origin.arrived(asked + 1), 'cold read at the origin');
      await scene.waiting(5);
      release();
      const isStored = (line: Readonly<Record<string, unknown>>): boolean =>
        line['msg'] === 'spec updated' &&
        line['specVersion'] === time &&
        line['sdkKey'] === maskSdkKey(sdkKey);
      await within(scene.proxy.logs.waitFor(isStored), 'first version');
      // At once: before the streams' first message has gone.
      const next = await scene.update();
      for (const stream of streams) {
        await eventually('newest version', () => stream.last?.lastUpdated === next);
        assert.ok(isStrictlyIncreasing(stream.messages.map(({ lastUpdated }) => lastUpdated)));
        assert.equal(stream.last?.spec, scene.text('v2'));
        stream.cancel();
      }
      await scene.streams(0);
    }
  });
});

describe('a stream of a key that is refused', () => {
  it('ends with PERMISSION_DENIED under --clear-datastore-on-unauthorized', async (t) => {
    const scene = await startScene(t, { args: ['--clear-datastore-on-unauthorized'] });
    const streams = [1, 2].map((version) => scene.client().stream({ sdkKey: SDK_KEY, version }));
    for (const stream of streams) await stream.received(1);
    scene.origin.fault = REFUSING[401];
    scene.clock.advance(POLL_MS);
    for (const stream of streams) {
      const { code, details } = await stream.end();
      assert.equal(code, status.PERMISSION_DENIED);
      assert.match(details, /refuses this SDK key/);
    }
    await scene.streams(0);
    const none = { open: 0, byKey: [], refused: 0, dropped: 0, displaced: 0 };
    assert.deepEqual((await scene.status()).streams, none);
  });

  it('lives on without that option, and brings what comes when the key is good again', async (t) => {
    const scene = await startScene(t);
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    scene.origin.fault = REFUSING[403];
    scene.clock.advance(POLL_MS);
    const told = 'origin refused this SDK key: still serving the last good spec';
    await within(
      scene.proxy.logs.waitFor((line) => line['msg'] === told),
      told,
    );
    assert.equal(stream.hasEnded, false);
    scene.origin.fault = undefined;
    const time = scene.origin.project.time + 1;
    scene.origin.project = { ...scene.origin.project, time };
    // Refused keys are polled ever less often.
    await eventually('update', () => {
      scene.clock.advance(POLL_MS);
      return stream.last?.lastUpdated === time;
    });
    assert.equal(stream.messages.filter(({ spec }) => spec !== NO_UPDATES).length, 2);
  });
});
