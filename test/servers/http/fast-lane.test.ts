// Connections in the fast lane: how long each may stay, what ends it, and how it leaves for the ordinary server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/domain/clock.js';
import { FastLane } from '../../../src/servers/http/fast-lane/fast-lane.js';
import { PreparedAnswer } from '../../../src/servers/http/fast-lane/prepared-answer.js';
import { ConnectionLimit } from '../../../src/servers/listener/connection-limit.js';
import { ListeningPort } from '../../../src/servers/listener/listening-port.js';
import { Readiness } from '../../../src/servers/readiness.js';
import { eventually, within } from '../../e2e/deadline.js';
import { RecordedEvents } from '../../fakes/proxy-events.js';

const SMALL = new PreparedAnswer({ 'x-size': 'small' }, Buffer.from('small'));
/** More than a kernel takes for a client that reads nothing. */
const LARGE = new PreparedAnswer({ 'x-size': 'large' }, Buffer.alloc(32 * 1024 * 1024, 'l'));
const LONG_MS = 60_000;
const SHORT_MS = 100;

interface Scene {
  readonly lane: FastLane;
  readonly events: RecordedEvents;
  readonly readiness: Readiness;
  readonly limit: ConnectionLimit;
  /** What the ordinary server was handed, as it reads it. */
  readonly handedOver: string[];
  readonly open: () => Promise<Socket>;
}

async function startScene(t: TestContext, keepAliveMs = LONG_MS, idleMs = LONG_MS): Promise<Scene> {
  const events = new RecordedEvents();
  const readiness = new Readiness(() => []);
  const limit = new ConnectionLimit({ server: 'http', connectionsMax: 10 });
  const handedOver: string[] = [];
  const answers = {
    names: { wanted: [], refused: [] },
    find: ({ target }: { readonly target: string }) => {
      if (target !== '/small' && target !== '/large') return undefined;
      return { answer: target === '/small' ? SMALL : LARGE, path: target, sdkKey: '' };
    },
  };
  const lane = new FastLane(
    systemClock,
    { readiness, events },
    answers,
    (socket) => {
      socket.on('data', (piece: Buffer) => handedOver.push(piece.toString()));
      socket.on('error', () => undefined);
    },
    { headers: { 'x-server': 'test' }, keepAliveMs, idleMs },
  );
  const settings = { hostSetting: '--host', portSetting: '--http-port' };
  const port = new ListeningPort({ host: '127.0.0.1', port: 0, ...settings }, limit, lane.accept);
  await port.open();
  t.after(() => port.close(systemClock, 0));
  const open = async (): Promise<Socket> => {
    const socket = connect(port.number, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  return { lane, events, readiness, limit, handedOver, open };
}

const request = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: test\r\n\r\n`;

async function answerOf(socket: Socket): Promise<string> {
  const [piece] = (await within(once(socket, 'data'), 'answer')) as [Buffer];
  return piece.toString();
}

test('one request after the other is answered on one connection', async (t) => {
  const { open, events, handedOver } = await startScene(t);
  const socket = await open();
  for (let requests = 1; requests <= 3; requests += 1) {
    socket.write(request('/small'));
    const answer = await answerOf(socket);
    assert.match(
      answer,
      /^HTTP\/1\.1 200 OK\r\nx-server: test\r\nx-size: small\r\ncontent-length: 5\r\nDate: /,
    );
    assert.match(answer, /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\nsmall$/);
    assert.equal(events.all.length, requests);
  }
  assert.deepEqual(handedOver, []);
});

test('a request that is not for the lane takes its connection along, for good', async (t) => {
  const { open, handedOver } = await startScene(t);
  const socket = await open();
  socket.write(request('/small'));
  await answerOf(socket);
  socket.write(request('/other'));
  await eventually('the request', () => handedOver.length === 1);
  socket.write(request('/small'));
  await eventually('the next one', () => handedOver.length === 2);
  assert.deepEqual(handedOver, [request('/other'), request('/small')]);
});

test('so does one that comes before its client has read the answer to the last', async (t) => {
  const { open, handedOver } = await startScene(t);
  const socket = await open();
  socket.pause();
  socket.write(request('/large'));
  socket.once('drain', () => undefined);
  await eventually('some of the answer', () => socket.readableLength > 0 || socket.bytesRead > 0);
  socket.write(request('/small'));
  await eventually('the request', () => handedOver.length === 1);
  assert.deepEqual(handedOver, [request('/small')]);
});

test('while the process drains, every request goes to the ordinary server', async (t) => {
  const { open, handedOver, readiness } = await startScene(t);
  const socket = await open();
  readiness.drain();
  socket.write(request('/small'));
  await eventually('the request', () => handedOver.length === 1);
});

test('a connection that waits too long for its next request is closed', async (t) => {
  const { open } = await startScene(t, SHORT_MS);
  const silent = await open();
  await within(once(silent, 'close'), 'end of a silent connection');
  const used = await open();
  used.write(request('/small'));
  await answerOf(used);
  await within(once(used, 'close'), 'end of a used connection');
});

test('an answer that nobody reads outlasts the wait for a next request, is cut off, and is no event', async (t) => {
  const { open, events, limit } = await startScene(t, SHORT_MS, 10 * SHORT_MS);
  const startedMs = performance.now();
  const socket = await open();
  socket.pause();
  socket.write(request('/large'));
  await eventually('end of the connection', () => limit.gauge.entries === 0);
  assert.ok(performance.now() - startedMs >= 10 * SHORT_MS);
  assert.equal(events.all.length, 0);
});

test('an answer is an event once it has gone, and its connection waits for the next request', async (t) => {
  const { open, events } = await startScene(t);
  const socket = await open();
  socket.write(request('/large'));
  let bytes = 0;
  socket.on('data', (piece: Buffer) => (bytes += piece.length));
  await eventually('the whole answer', () => bytes > LARGE.bodyBytes);
  await eventually('its event', () => events.all.length === 1);
  socket.write(request('/small'));
  await eventually('the next event', () => events.all.length === 2);
});

test('idle connections are closed when asked, and none whose answer is still on its way', async (t) => {
  const { open, lane, limit } = await startScene(t);
  const [idle, reading] = [await open(), await open()];
  await eventually('both', () => limit.gauge.entries === 2);
  reading.pause();
  reading.write(request('/large'));
  await eventually('some of the answer', () => reading.readableLength > 0 || reading.bytesRead > 0);
  const closed = once(idle, 'close');
  lane.closeIdle();
  await within(closed, 'end of the idle one');
  assert.equal(reading.destroyed, false);
  let bytes = 0;
  reading.on('data', (piece: Buffer) => (bytes += piece.length));
  reading.resume();
  await eventually('the whole answer', () => bytes > LARGE.bodyBytes);
  lane.closeIdle();
  await eventually('end of both', () => limit.gauge.entries === 0);
});

test('a client that has said all it wants to say gets its answer', async (t) => {
  const { open } = await startScene(t);
  const socket = await open();
  const answer = answerOf(socket);
  socket.end(request('/small'));
  assert.match(await answer, /small$/);
  await within(once(socket, 'close'), 'end');
});

test('a connection that breaks is gone without a word', async (t) => {
  const { open, limit } = await startScene(t);
  const socket = await open();
  socket.write(request('/small'));
  await answerOf(socket);
  socket.resetAndDestroy();
  await eventually('its end', () => limit.gauge.entries === 0);
});
