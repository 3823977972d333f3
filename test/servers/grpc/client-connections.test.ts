// Connections of gRPC clients: idle ones end, those that flood are closed, and strangers take no place of a client's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Server, status } from '@grpc/grpc-js';
import { http2ServerOf } from '../../../src/servers/grpc/http2-server.js';
import { eventually, within } from '../../e2e/deadline.js';
import { FrameClient, framedRequest } from '../../fakes/http2-frames.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { startScene, type Scene } from './grpc-scene.js';

const IDLE_MS_MAX = 75_000;
const CALLS_PER_S_MAX = 1_000;

function frames(t: TestContext, scene: Scene): FrameClient {
  const client = new FrameClient(scene.proxy.grpcAddress);
  t.after(() => {
    client.close();
  });
  return client;
}

/** A connection that says nothing. */
async function silent(t: TestContext, scene: Scene): Promise<Socket> {
  const socket = connect(Number(scene.proxy.grpcAddress.split(':')[1]), '127.0.0.1');
  socket.on('error', () => undefined);
  t.after(() => {
    socket.destroy();
  });
  await within(once(socket, 'connect'), 'connection');
  return socket.resume();
}

async function connections(scene: Scene, count: number): Promise<void> {
  await eventually(
    `${count} connections`,
    async () => ((await scene.status()).tables['grpcConnections']?.entries ?? 0) === count,
  );
}

describe('a connection without an open call', () => {
  it('is closed after 75 s, whether it ever spoke HTTP/2 or not; one with a stream stays', async (t) => {
    const scene = await startScene(t);
    const stream = scene.client().stream({ sdkKey: SDK_KEY });
    await stream.received(1);
    const socket = await silent(t, scene);
    const preface = frames(t, scene);
    const caller = frames(t, scene);
    await connections(scene, 4);
    scene.clock.advance(IDLE_MS_MAX / 2);
    caller.data(caller.call('getConfigSpec'), framedRequest({ sdkKey: SDK_KEY }), true);
    await eventually('answer', () => caller.answered.size === 1);
    await eventually(
      'end of the call',
      async () => (await scene.status()).tables['grpcCalls']?.entries === 1,
    );
    scene.clock.advance(IDLE_MS_MAX / 2 - 1);
    await connections(scene, 4);
    scene.clock.advance(1);
    await connections(scene, 2);
    await eventually('end of both', () => socket.closed && preface.isClosed);
    assert.equal(preface.goaway, constants.NGHTTP2_NO_ERROR);
    assert.equal(caller.isClosed, false);
    scene.clock.advance(IDLE_MS_MAX / 2);
    await eventually('end of the third', () => caller.isClosed);
    assert.equal((await scene.status()).grpc.limitsReached['idleTime'], 3);
    await scene.update();
    await stream.received(2);
  });
});

describe('a connection that starts calls without end', () => {
  for (const method of ['/not.Known/method', 'getConfigSpec'] as const) {
    it(`is closed with ENHANCE_YOUR_CALM, counted and told: ${method}; others notice nothing`, async (t) => {
      const scene = await startScene(t, { args: ['-g', '10'] });
      const stream = scene.client().stream({ sdkKey: SDK_KEY });
      await stream.received(1);
      const flooding = frames(t, scene);
      let started = 0;
      // Below what may be open at one time, so that this is not what ends it.
      for (; !flooding.isClosed && started < 3 * CALLS_PER_S_MAX; started += 50) {
        for (let count = 0; count < 50; count += 1) flooding.call(method, { hasEnded: true });
        await flooding.flushed();
        await eventually('answers', () => flooding.isClosed || flooding.answered.size === started + 50);
      }
      assert.ok(flooding.isClosed, `${started} calls`);
      assert.equal(flooding.goaway, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      assert.equal(started, CALLS_PER_S_MAX + 10 + 40);
      assert.equal((await scene.status()).grpc.limitsReached['callRate'], 1);
      const [line] = scene.proxy.logs.withMessage('gRPC clients reached a limit');
      assert.equal(line?.['limit'], 'callRate');
      await scene.update();
      await stream.received(2);
    });
  }

  it('may go on at the pace that a connection may have', async (t) => {
    const scene = await startScene(t, { args: ['-g', '10'] });
    const client = frames(t, scene);
    for (let started = 0; started < 4 * CALLS_PER_S_MAX; started += 100) {
      for (let count = 0; count < 100; count += 1) client.call('/not.Known/method', { hasEnded: true });
      await eventually('answers', () => client.answered.size === started + 100);
      scene.clock.advance(100);
    }
    assert.equal(client.isClosed, false);
  });
});

describe('a connection that breaks HTTP/2', () => {
  it('is closed, counted and told: more calls at one time than it may have, or no HTTP/2 at all', async (t) => {
    const scene = await startScene(t, { args: ['-g', '10'] });
    const crowded = frames(t, scene);
    await crowded.ping();
    for (let count = 0; count < 111; count += 1) crowded.call('StreamConfigSpec');
    await eventually('end of the first', () => crowded.isClosed);
    const other = await silent(t, scene);
    other.write('GET / HTTP/1.1\r\nhost: proxy\r\n\r\n');
    await eventually('end of the second', () => other.closed);
    assert.equal((await scene.status()).grpc.limitsReached['protocol'], 2);
    const lines = scene.proxy.logs.withMessage('gRPC clients reached a limit');
    assert.deepEqual(
      lines.map((line) => line['limit']),
      ['protocol'],
    );
    await eventually(
      'end of all calls',
      async () => ((await scene.status()).tables['grpcCalls']?.entries ?? 0) === 0,
    );
    assert.equal((await scene.client().getConfigSpec({ sdkKey: SDK_KEY })).code, status.OK);
  });
});

describe('a limit of connections', () => {
  it('lets every new client in, however many strangers there are, and closes none that has a stream', async (t) => {
    // A quarter of them is reserved, and the gRPC and the admin server have 8 each.
    const scene = await startScene(t, { openFilesMax: 22 });
    const streams = [1, 2, 3].map(() => scene.client().stream({ sdkKey: SDK_KEY }));
    for (const stream of streams) await stream.received(1);
    const strangers: Socket[] = [];
    for (let count = 0; count < 30; count += 1) strangers.push(await silent(t, scene));
    await eventually('end of most', () => strangers.filter(({ closed }) => closed).length === 25);
    assert.equal(await scene.client().check(), 'SERVING');
    assert.equal((await scene.client().getConfigSpec({ sdkKey: SDK_KEY })).code, status.OK);
    const { tables } = await scene.status();
    assert.deepEqual(tables['grpcConnections'], { entries: 8, entriesMax: 8, reached: 27 });
    await scene.update();
    for (const stream of streams) await stream.received(2);
  });
});

describe('http2ServerOf', () => {
  it('fails where a release of grpc-js hides its servers: nothing would be limited', () => {
    assert.throws(() => http2ServerOf(new Server()), /hides its HTTP\/2 servers/);
    const hiding = new Proxy(new Server(), { get: () => undefined });
    assert.throws(() => http2ServerOf(hiding), /hides its HTTP\/2 servers/);
  });
});
