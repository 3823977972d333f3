// Calls under keys that nobody knows: they wait apart, for a bounded time and number, and take nothing from known ones.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually, within } from '../../../e2e/deadline.js';
import type { SpecReply, StreamRecord } from '../../../fakes/grpc-client.js';
import { SDK_KEY } from '../../../fakes/proxy.js';
import { startScene, type Scene } from '../../../servers/grpc/grpc-scene.js';

const PLACES = 10;
const WAITING_MAX = PLACES + 500;
const STREAMS_OF_A_CLIENT = 100;

interface Invented {
  readonly scene: Scene;
  /** Of the key that is held. */
  readonly known: StreamRecord<SpecReply>;
  /** Opens streams, each under a key of its own. */
  readonly invent: (count: number) => StreamRecord<SpecReply>[];
  /** Lets the origin refuse them all. */
  readonly refuse: () => void;
}

/** A proxy that holds one key's spec; its origin does not answer for others until it refuses them. */
async function startInvented(t: TestContext): Promise<Invented> {
  const scene = await startScene(t, { args: ['-g', String(PLACES)] });
  const known = scene.client().stream({ sdkKey: SDK_KEY });
  await known.received(1);
  const release = scene.origin.hold();
  let invented = 0;
  return {
    scene,
    known,
    invent: (count) => {
      let client = scene.client();
      return Array.from({ length: count }, (_none, index) => {
        if (index % STREAMS_OF_A_CLIENT === 0) client = scene.client();
        const sdkKey = `secret-invented${(invented += 1)}`;
        scene.origin.refusedKeys.add(sdkKey);
        return client.stream({ sdkKey });
      });
    },
    refuse: release,
  };
}

describe('streams under invented keys', () => {
  it('take no place, and change nothing of readiness; the origin refuses them, and they are gone', async (t) => {
    const { scene, invent, refuse, known } = await startInvented(t);
    const health = scene.client();
    const watch = health.watch();
    await watch.received(1);
    const strangers = invent(5 * PLACES);
    await scene.waiting(strangers.length);
    // Nine of ten places are not more than the threshold of 90 %.
    const more = Array.from({ length: PLACES - 2 }, () => scene.client().stream({ sdkKey: SDK_KEY }));
    for (const stream of more) await stream.received(1);
    assert.equal(await health.check(), 'SERVING');
    assert.equal((await scene.status()).streams.refused, 0);
    refuse();
    for (const stream of strangers) assert.equal((await stream.end()).code, status.PERMISSION_DENIED);
    await scene.waiting(0);
    await scene.update();
    await known.received(2);
    assert.equal((await scene.status()).streams.byKey.length, 1);
    assert.deepEqual(
      watch.messages.map((message) => message.status),
      ['SERVING'],
    );
  });

  it('are refused with UNAVAILABLE where too many wait, as calls of getConfigSpec are; known keys are not', async (t) => {
    const { scene, invent, known } = await startInvented(t);
    invent(WAITING_MAX);
    await scene.waiting(WAITING_MAX);
    const [over] = invent(1);
    const { code, details } = (await over?.end()) ?? {};
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details ?? '', /Too many specs are being fetched/);
    const unary = await scene.client().getConfigSpec({ sdkKey: 'secret-inventedforunary' });
    assert.deepEqual([unary.code, unary.details], [code, details]);
    const { tables } = await scene.status();
    const full = { entries: WAITING_MAX, entriesMax: WAITING_MAX, reached: 2 };
    assert.deepEqual(tables['callsWaitingForSpecs'], full);
    assert.equal((await scene.client().getConfigSpec({ sdkKey: SDK_KEY })).code, status.OK);
    await scene.client().stream({ sdkKey: SDK_KEY }).received(1);
    assert.equal(await scene.client().check(), 'SERVING');
    assert.equal(known.hasEnded, false);
  });

  it('give their room back when their clients leave', async (t) => {
    const { scene, invent } = await startInvented(t);
    const strangers = invent(20);
    await scene.waiting(20);
    for (const stream of strangers) stream.cancel();
    await scene.waiting(0);
  });

  it('end with UNAVAILABLE at a stop, also while the origin does not answer', async (t) => {
    const { scene, invent } = await startInvented(t);
    const strangers = invent(20);
    await scene.waiting(20);
    let isStopped = false;
    const stopped = scene.proxy.app.stop().finally(() => (isStopped = true));
    await eventually('end of the proxy', () => {
      scene.clock.advance(100);
      return isStopped;
    });
    await stopped;
    for (const stream of strangers) {
      assert.equal((await within(stream.end(), 'end')).code, status.UNAVAILABLE);
    }
  });
});
