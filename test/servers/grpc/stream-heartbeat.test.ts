// The heartbeat of a quiet stream: when it comes, and which version it names.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, within } from '../../e2e/deadline.js';
import { NO_UPDATES } from '../../fakes/grpc-client.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { POLL_MS, startScene, type Scene } from './grpc-scene.js';

const HEARTBEAT_MS = 30_000;
/** No polls between, and nobody dropped however the clock is turned. */
const QUIET = [
  '--polling-interval-in-s',
  '3600',
  '--grpc-stream-stall-timeout-in-s',
  '3600',
  '--debug-logging',
];

describe('the heartbeat of a stream', () => {
  it('comes after 30 s of silence and not before, then again, and names what the stream was last sent', async (t) => {
    const scene = await startScene(t, { args: QUIET });
    const client = scene.client();
    const stream = client.stream({ sdkKey: SDK_KEY });
    const { lastUpdated } = await stream.received(1);
    await isIdle(scene);
    scene.clock.advance(HEARTBEAT_MS - 1);
    // On the same connection: what was sent before this answer came before it.
    await client.getConfigSpec({ sdkKey: SDK_KEY });
    assert.equal(stream.messages.length, 1);
    scene.clock.advance(1);
    assert.deepEqual(
      { ...(await stream.received(2)) },
      { ...stream.messages[0], spec: NO_UPDATES, lastUpdated },
    );
    await eventually('second heartbeat', () => {
      scene.clock.advance(1_000);
      return stream.messages.length > 2;
    });
    assert.deepEqual(stream.messages[2], stream.messages[1]);
  });

  it('names an update once that was sent', async (t) => {
    const scene = await startScene(t, { args: ['--grpc-stream-stall-timeout-in-s', '3600'] });
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const next = await scene.update();
    await stream.received(2);
    await eventually('heartbeat', () => {
      scene.clock.advance(POLL_MS);
      return stream.messages.length > 2;
    });
    assert.equal(stream.messages[2]?.spec, NO_UPDATES);
    assert.equal(stream.messages[2].lastUpdated, next);
  });

  it('is sent to a client that was current from the start', async (t) => {
    const scene = await startScene(t, { args: QUIET });
    const { time } = scene.origin.project;
    const stream = scene.client().stream({ sdkKey: SDK_KEY, sinceTime: time });
    await stream.received(1);
    await eventually('heartbeat', () => {
      scene.clock.advance(1_000);
      return stream.messages.length > 1;
    });
    assert.equal(stream.messages[1]?.spec, NO_UPDATES);
    assert.equal(stream.messages[1].lastUpdated, time);
  });
});

/** Waits until a stream has sent all it had. */
async function isIdle({ proxy }: Scene): Promise<void> {
  const sent = proxy.logs.waitFor((line) => line['event'] === 'GrpcStreamingStreamedInitialized');
  await within(sent, 'end of sending');
}
