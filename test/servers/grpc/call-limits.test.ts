// Requests that never end, come too large, or in too many pieces: what becomes of them, and that other clients notice nothing.
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../e2e/deadline.js';
import { encodeRequest } from '../../fakes/grpc-client.js';
import { FrameClient, framedMessage, framedRequest } from '../../fakes/http2-frames.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { startScene, type Scene } from './grpc-scene.js';

const LIMIT_REACHED = 'gRPC clients reached a limit';
const UNARY_PATH = '/statsig_forward_proxy.StatsigForwardProxy/getConfigSpec';
const REQUEST_MS_MAX = 10_000;
const MESSAGE_BYTES_MAX = 4_096;

function frames(t: TestContext, scene: Scene): FrameClient {
  const client = new FrameClient(scene.proxy.grpcAddress);
  t.after(() => {
    client.close();
  });
  return client;
}

async function callsOpen(scene: Scene, count: number): Promise<void> {
  await eventually(
    `${count} open calls`,
    async () => ((await scene.status()).tables['grpcCalls']?.entries ?? 0) === count,
  );
}

async function assertServes(scene: Scene): Promise<void> {
  const { code, reply } = await scene.client().getConfigSpec({ sdkKey: SDK_KEY });
  assert.deepEqual([code, reply?.spec], [status.OK, scene.text('v1')]);
}

describe('a request that never ends', () => {
  for (const [name, bytes] of [
    ['before its message', Buffer.alloc(0)],
    ['within the prefix of its message', Buffer.alloc(3)],
    ['within its message', framedRequest({ sdkKey: SDK_KEY }).subarray(0, -1)],
    ['after its message', framedRequest({ sdkKey: SDK_KEY })],
  ] as const) {
    it(`is cut off after 10 s, where it stops ${name}; counted, and told once`, async (t) => {
      const scene = await startScene(t);
      const client = frames(t, scene);
      const calls = ['getConfigSpec', 'StreamConfigSpec'].map((method) =>
        client.call(method as 'getConfigSpec' | 'StreamConfigSpec'),
      );
      for (const call of calls) client.data(call, bytes);
      await callsOpen(scene, 2);
      scene.clock.advance(REQUEST_MS_MAX - 1);
      await callsOpen(scene, 2);
      scene.clock.advance(1);
      await callsOpen(scene, 0);
      await eventually('reset of both', () => client.resets.size === 2);
      assert.deepEqual([...client.resets.values()], [constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
      assert.equal((await scene.status()).grpc.limitsReached['requestTime'], 2);
      const [line, ...more] = scene.proxy.logs.withMessage(LIMIT_REACHED);
      assert.deepEqual([line?.['level'], line?.['limit'], more], ['warn', 'requestTime', []]);
      await assertServes(scene);
    });
  }

  it('is cut off, where it was answered already', async (t) => {
    const scene = await startScene(t);
    const client = frames(t, scene);
    const call = client.call('getConfigSpec', { headers: { 'grpc-timeout': '1m' } });
    await eventually('answer', () => client.answered.has(call));
    client.data(call, Buffer.alloc(1));
    scene.clock.advance(REQUEST_MS_MAX);
    await callsOpen(scene, 0);
  });

  it('gives way to newer calls, where there are too many; those that are streamed or asked stay', async (t) => {
    const scene = await startScene(t, { args: ['-g', '10'] });
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const { entriesMax = 0 } = (await scene.status()).tables['grpcCalls'] ?? {};
    assert.equal(entriesMax, 1_020);
    const perClient = 100;
    const clients = Array.from({ length: 11 }, () => frames(t, scene));
    for (const client of clients) {
      for (let count = 0; count < perClient; count += 1) client.call('StreamConfigSpec');
      await client.flushed();
    }
    await callsOpen(scene, entriesMax);
    const gone = (): number => clients.reduce((sum, { resets }) => sum + resets.size, 0);
    const over = clients.length * perClient + 1 - entriesMax;
    await eventually('resets', () => gone() === over);
    // Refused before anything was done for them: gRPC clients may try again at once.
    assert.deepEqual(new Set(clients[0]?.resets.values()), new Set([constants.NGHTTP2_REFUSED_STREAM]));
    assert.equal(clients[0]?.resets.size, over);
    await assertServes(scene);
    await scene.update();
    await stream.received(2);
    assert.ok(((await scene.status()).grpc.limitsReached['callsOpen'] ?? 0) > over);
  });
});

describe('a request that is too large', () => {
  it('is refused with RESOURCE_EXHAUSTED where its message has more than 4 KiB', async (t) => {
    const scene = await startScene(t);
    const client = scene.client();
    const ofBytes = (bytes: number): string =>
      'k'.repeat(bytes - encodeRequest({ sdkKey: 'k'.repeat(128) }).length + 128);
    const largest = await client.getConfigSpec({ sdkKey: ofBytes(MESSAGE_BYTES_MAX) });
    assert.equal(largest.code, status.INVALID_ARGUMENT);
    const tooLarge = await client.getConfigSpec({ sdkKey: ofBytes(MESSAGE_BYTES_MAX + 1) });
    assert.equal(tooLarge.code, status.RESOURCE_EXHAUSTED);
    assert.deepEqual(scene.origin.requests, []);
    assert.equal((await scene.status()).grpc.limitsReached['requestBytes'], 1);
    await assertServes(scene);
  });

  it('is refused where it has a second message, or one that only says it is large', async (t) => {
    const scene = await startScene(t);
    const client = frames(t, scene);
    const large = client.call('StreamConfigSpec');
    client.data(large, framedMessage(Buffer.alloc(10), false, 1024 * 1024), true);
    const twice = client.call('StreamConfigSpec');
    const request = framedRequest({ sdkKey: SDK_KEY });
    client.data(twice, Buffer.concat([request, request]), true);
    await eventually('answers', () => client.answered.has(large) && client.answered.has(twice));
    await callsOpen(scene, 0);
  });

  it('is cut off where its headers have more than 16 KiB', async (t) => {
    const scene = await startScene(t);
    const client = frames(t, scene);
    const call = client.call('getConfigSpec', { headers: { 'x-many': 'm'.repeat(16_384) } });
    await eventually('reset', () => client.resets.has(call) || client.answered.has(call));
    const other = client.call('getConfigSpec', { headers: { 'x-many': 'm'.repeat(15_000) } });
    client.data(other, framedRequest({ sdkKey: SDK_KEY }), true);
    await eventually('answer', () => client.answered.has(other));
    assert.equal(client.resets.get(call), constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.equal((await scene.status()).grpc.limitsReached['requestBytes'], 1);
  });

  it('is refused where it is so only once it is decompressed', async (t) => {
    const scene = await startScene(t);
    const headers = { 'grpc-encoding': 'gzip' };
    const ask = async (message: Buffer): Promise<string | undefined> => {
      const stream = scene.rawClient().send(UNARY_PATH, framedMessage(gzipSync(message), true), headers);
      stream.readOn();
      await eventually('end', () => stream.isClosed);
      const end = stream.trailers ?? stream.headers;
      return end?.['grpc-status'] as string | undefined;
    };
    assert.equal(await ask(encodeRequest({ sdkKey: SDK_KEY })), String(status.OK));
    assert.equal(await ask(Buffer.alloc(1024 * 1024)), String(status.RESOURCE_EXHAUSTED));
  });
});

describe('a request in pieces of one byte', () => {
  it('is answered like any other', async (t) => {
    const scene = await startScene(t);
    const client = frames(t, scene);
    const call = client.call('StreamConfigSpec');
    const request = framedRequest({ sdkKey: SDK_KEY, version: 2 });
    for (const byte of request) {
      client.data(call, Buffer.from([byte]));
      await client.flushed();
    }
    client.data(call, Buffer.alloc(0), true);
    await scene.streams(1);
    assert.equal(client.resets.size, 0);
  });
});
