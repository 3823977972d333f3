// How many streams there may be: exact however they come, freed at once, and what they do to the places for keys.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually, within } from '../../e2e/deadline.js';
import type { SpecReply, StreamRecord } from '../../fakes/grpc-client.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { rawRequest } from '../../fakes/raw-request.js';
import { startScene } from './grpc-scene.js';

const OTHER_KEY = 'secret-otherkey9876543210';

describe('-g 3', () => {
  it('refuses the fourth stream with RESOURCE_EXHAUSTED, over all connections and keys', async (t) => {
    const scene = await startScene(t, { args: ['-g', '3'] });
    for (const sdkKey of [SDK_KEY, SDK_KEY, OTHER_KEY]) await scene.client().stream({ sdkKey }).received(1);
    const { code, details } = await scene.client().stream({ sdkKey: SDK_KEY }).end();
    assert.equal(code, status.RESOURCE_EXHAUSTED);
    assert.equal(details, 'Max concurrent streams reached (3).');
    const { streams, tables } = await scene.status();
    assert.deepEqual(streams, {
      open: 3,
      byKey: [
        { sdkKey: 'secret-test***', streams: 2 },
        { sdkKey: 'secret-othe***', streams: 1 },
      ],
      refused: 1,
      dropped: 0,
      displaced: 0,
    });
    assert.deepEqual(tables['streams'], { entries: 3, entriesMax: 3, reached: 1 });
    assert.equal((await scene.client().getConfigSpec({ sdkKey: SDK_KEY })).code, status.OK);
  });

  it('gives a place to the next stream as soon as one was cancelled, time after time', async (t) => {
    const scene = await startScene(t, { args: ['-g', '3'] });
    const client = scene.client();
    const open = [1, 2, 3].map(() => client.stream({ sdkKey: SDK_KEY }));
    for (const stream of open) await stream.received(1);
    for (let round = 0; round < 10; round += 1) {
      open.shift()?.cancel();
      await scene.streams(2);
      const next = client.stream({ sdkKey: SDK_KEY });
      await next.received(1);
      open.push(next);
    }
    assert.equal((await scene.status()).streams.refused, 0);
  });

  it('frees every place of a connection that breaks', async (t) => {
    const scene = await startScene(t, { args: ['-g', '3'] });
    const raw = scene.rawClient();
    const streams = [1, 2, 3].map(() => raw.stream({ sdkKey: SDK_KEY }));
    for (const stream of streams) await stream.answered();
    await scene.streams(3);
    raw.breakConnection();
    await scene.streams(0);
    await scene.client().stream({ sdkKey: SDK_KEY }).received(1);
  });

  it('gives places when the first spec has come, to as many as there are places for', async (t) => {
    const scene = await startScene(t, { args: ['-g', '3'] });
    const release = scene.origin.hold();
    const waiting = Array.from({ length: 5 }, () => scene.client().stream({ sdkKey: SDK_KEY }));
    await scene.waiting(5);
    await scene.streams(0);
    waiting.shift()?.cancel();
    await scene.waiting(4);
    release();
    const isSettled = ({ messages, hasEnded }: StreamRecord<SpecReply>): boolean =>
      messages.length > 0 || hasEnded;
    await eventually('answer on every stream', () => waiting.every(isSettled));
    await scene.streams(3);
    await scene.waiting(0);
    const refused = waiting.filter(({ hasEnded }) => hasEnded);
    assert.equal(refused.length, 1);
    assert.equal((await refused[0]?.end())?.code, status.RESOURCE_EXHAUSTED);
    assert.equal((await scene.status()).streams.refused, 1);
  });
});

describe('-g 4', () => {
  it('gives a second key a place of the first one, which had them all', async (t) => {
    const scene = await startScene(t, { args: ['-g', '4'] });
    const first = Array.from({ length: 4 }, () => scene.client().stream({ sdkKey: SDK_KEY }));
    for (const stream of first) await stream.received(1);
    for (const count of [1, 2]) {
      await scene.client().stream({ sdkKey: OTHER_KEY }).received(1);
      await eventually(
        'a stream that gave way',
        () => first.filter(({ hasEnded }) => hasEnded).length === count,
      );
    }
    for (const stream of first.filter(({ hasEnded }) => hasEnded)) {
      const { code, details } = await stream.end();
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /connect again/);
    }
    for (const sdkKey of [SDK_KEY, OTHER_KEY]) {
      assert.equal((await scene.client().stream({ sdkKey }).end()).code, status.RESOURCE_EXHAUSTED);
    }
    assert.equal((await scene.status()).streams.displaced, 2);
  });
});

describe('-g 10', () => {
  it('lets exactly ten of fifty streams in that come at one time over five connections', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const scene = await startScene(t, { args: ['-g', '10'] });
      const clients = [1, 2, 3, 4, 5].map(() => scene.client());
      const streams = clients.flatMap((client) =>
        Array.from({ length: 10 }, () => client.stream({ sdkKey: SDK_KEY, version: 2 })),
      );
      const isSettled = (stream: StreamRecord<SpecReply>): boolean =>
        stream.messages.length > 0 || stream.hasEnded;
      await eventually('answer on every stream', () => streams.every(isSettled));
      const open = streams.filter(({ hasEnded }) => !hasEnded);
      assert.equal(open.length, 10);
      for (const stream of open) assert.equal(stream.last?.spec, scene.text('v2'));
      for (const stream of streams.filter(({ hasEnded }) => hasEnded)) {
        assert.equal((await stream.end()).code, status.RESOURCE_EXHAUSTED);
        assert.equal(stream.messages.length, 0);
      }
      assert.equal((await scene.status()).streams.refused, 40);
      for (const client of clients) client.close();
      await scene.streams(0);
    }
  });
});

describe('fifty streams on one connection', () => {
  it('all get every update', async (t) => {
    const scene = await startScene(t);
    const client = scene.client();
    const streams = Array.from({ length: 50 }, () => client.stream({ sdkKey: SDK_KEY, version: 2 }));
    for (const stream of streams) await stream.received(1);
    for (const count of [2, 3]) {
      const next = await scene.update();
      for (const stream of streams) {
        const { spec, lastUpdated } = await stream.received(count);
        assert.equal(lastUpdated, next);
        assert.equal(spec, scene.text('v2'));
      }
    }
    assert.deepEqual((await scene.status()).streams.byKey, [{ sdkKey: 'secret-test***', streams: 50 }]);
  });
});

describe('-m 1', () => {
  it('keeps a key while it is streamed, tells who comes with another why, and lets it go after', async (t) => {
    const scene = await startScene(t, { mode: 'grpc-and-http', args: ['-m', '1'] });
    const client = scene.client();
    const stream = client.stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const unary = await client.getConfigSpec({ sdkKey: OTHER_KEY });
    assert.equal(unary.code, status.RESOURCE_EXHAUSTED);
    assert.match(unary.details, /--maximum-concurrent-sdk-keys/);
    const other = await client.stream({ sdkKey: OTHER_KEY }).end();
    assert.deepEqual([other.code, other.details], [unary.code, unary.details]);
    const http = await rawRequest(`${scene.proxy.url}/v1/download_config_specs/${OTHER_KEY}.json`);
    assert.equal(http.status, 503);
    assert.equal((JSON.parse(http.text) as { reason: string }).reason, 'sdk_keys_limit_reached');
    assert.equal((await scene.update()) > 0, true);
    await stream.received(2);

    stream.cancel();
    await scene.streams(0);
    await client.stream({ sdkKey: OTHER_KEY }).received(1);
    assert.equal((await scene.status()).tables['sdkKeys']?.entries, 1);
    assert.equal((await client.getConfigSpec({ sdkKey: SDK_KEY })).code, status.RESOURCE_EXHAUSTED);
  });

  it('goes on keeping a key while one of its two streams is open', async (t) => {
    const scene = await startScene(t, { args: ['-m', '1'] });
    const client = scene.client();
    const [first, second] = [
      client.stream({ sdkKey: SDK_KEY }),
      client.stream({ sdkKey: SDK_KEY, version: 2 }),
    ];
    await first.received(1);
    await second.received(1);
    first.cancel();
    await scene.streams(1);
    assert.equal((await client.getConfigSpec({ sdkKey: OTHER_KEY })).code, status.RESOURCE_EXHAUSTED);
    await scene.update();
    await second.received(2);
  });

  it('holds no more than one key when two are streamed for the first time at one time', async (t) => {
    const scene = await startScene(t, { args: ['-m', '1'] });
    const release = scene.origin.hold();
    const streams = [SDK_KEY, OTHER_KEY].map((sdkKey) => scene.client().stream({ sdkKey }));
    await within(scene.origin.arrived(1), 'cold read');
    await scene.waiting(2);
    release();
    await eventually('answer on both', () =>
      streams.every((stream) => stream.messages.length > 0 || stream.hasEnded),
    );
    assert.equal((await scene.status()).tables['sdkKeys']?.entries, 1);
  });
});
