// Requests that break off, never end or make no sense: answered where that can be understood, and let go of at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { FastifyReply } from 'fastify';
import { systemClock } from '../../../src/domain/clock.js';
import { createLogger } from '../../../src/observability/logger.js';
import { buildFastifyApp } from '../../../src/servers/http/fastify-app.js';
import { addLogEventRoutes } from '../../../src/protocols/statsig/http/log-event-routes.js';
import { ProxyPath } from '../../../src/protocols/statsig/proxy-path.js';
import { eventually, within } from '../../e2e/deadline.js';
import { httpBounds } from '../../fakes/http-bounds.js';
import { listenHttp } from '../../fakes/listening-app.js';
import { LogSink } from '../../fakes/log-sink.js';

const MIB = 1024 * 1024;
const TIMEOUTS = { headersMs: 300, requestMs: 500, checkMs: 50 };
/** Larger than what a socket takes that nobody reads. */
const LARGE = 'x'.repeat(16 * MIB);

interface Scene {
  readonly connections: () => number;
  /** Batches that were accepted. */
  readonly batches: number[];
  /** Answers that wait to be given, in the order of their requests. */
  readonly waiting: FastifyReply[];
  readonly open: () => Promise<Client>;
}

interface Client {
  readonly socket: Socket;
  /** Everything that came, once the server has closed; fails where it does not. */
  readonly whole: () => Promise<string>;
  readonly text: () => string;
}

async function startScene(t: TestContext, timeouts: Parameters<typeof httpBounds>[0] = {}): Promise<Scene> {
  const log = createLogger(new LogSink(), { level: 'info', instanceName: 'test', version: '0.0.0' });
  const bounds = httpBounds({ timeouts: TIMEOUTS, bodiesBytesMax: 4 * MIB, ...timeouts });
  const http = buildFastifyApp(systemClock, log, bounds);
  const { app } = http;
  const batches: number[] = [];
  const waiting: FastifyReply[] = [];
  const sink = {
    accept: async ({ body }: { readonly body: Uint8Array }) => {
      batches.push(body.length);
      return { kind: 'accepted' } as const;
    },
  };
  const path = new ProxyPath('0123456789abcdef');
  addLogEventRoutes(app, path, { sink, admits: () => true }, bounds.bodies, 4 * MIB);
  app.get('/slow', (_request, reply) => {
    waiting.push(reply);
    return reply;
  });
  app.get('/large', (_request, reply) => reply.send(LARGE));
  const port = await listenHttp(t, http);
  const open = async (): Promise<Client> => {
    // Keeps its own side open, whatever the server does.
    const socket = connect({ port: port.number, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
    const closed = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
    return {
      socket,
      text: () => text,
      whole: async () => {
        await within(closed, 'end of the connection');
        return text;
      },
    };
  };
  return { connections: () => port.limit.gauge.entries, batches, waiting, open };
}

function requestText(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: proxy\r\n${headers}\r\n`;
}

function postText(bytes: number): string {
  const headers = `host: proxy\r\nstatsig-api-key: secret-test\r\ncontent-length: ${bytes}\r\n`;
  return `POST /v1/log_event HTTP/1.1\r\n${headers}\r\n`;
}

/** Sends a byte now and then, and never closes. */
function dribble(t: TestContext, socket: Socket, text = 'x'): void {
  const timer = setInterval(() => socket.write(text), 20);
  t.after(() => {
    clearInterval(timer);
  });
}

test('a body that takes too long is answered with 408, though its client goes on sending: then all of it is gone', async (t) => {
  const { connections, batches, open } = await startScene(t);
  const slow = await Promise.all(Array.from({ length: 4 }, open));
  for (const { socket } of slow) {
    socket.write(postText(MIB) + 'x'.repeat(MIB - 10_000));
    dribble(t, socket);
  }
  for (const { whole } of slow) {
    const text = await whole();
    assert.match(text, /^HTTP\/1\.1 408 .*"reason":"request_timeout"/s);
    assert.equal(text.split('HTTP/1.1').length, 2);
  }
  await eventually('end of all connections', () => connections() === 0);
  const honest = await open();
  honest.socket.write(postText(4 * MIB) + 'x'.repeat(4 * MIB));
  await eventually('answer', () => honest.text().startsWith('HTTP/1.1 202'));
  assert.deepEqual(batches, [4 * MIB]);
});

test('so are headers that take too long', async (t) => {
  const { connections, open } = await startScene(t);
  const { socket, whole } = await open();
  socket.write('GET / HTTP/1.1\r\nx-long: ');
  dribble(t, socket);
  assert.match(await whole(), /^HTTP\/1\.1 408 /);
  await eventually('end of the connection', () => connections() === 0);
});

test('what is not HTTP is answered with 400 and closed, though its client keeps its side open', async (t) => {
  const { connections, open } = await startScene(t);
  const { socket, text } = await open();
  socket.pause();
  socket.write('hello\r\n\r\n');
  await eventually('end of the connection', () => connections() === 0);
  socket.resume();
  await eventually('answer', () => text().startsWith('HTTP/1.1 400 '));
});

for (const [name, second] of [
  ['is not HTTP', 'hello\r\n\r\n'],
  ['is too large', requestText('/slow', `x-long: ${'a'.repeat(17_000)}\r\n`)],
  ['is too slow', 'GET / HTTP/1.1\r\nx-long: '],
] as const) {
  test(`an answer under way is not disturbed by a next request that ${name}: it is sent to its end`, async (t) => {
    const { waiting, open } = await startScene(t);
    const { socket, whole } = await open();
    socket.write(requestText('/slow') + second);
    await eventually('request', () => waiting.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 3 * TIMEOUTS.headersMs));
    void waiting[0]?.send('the answer');
    const text = await whole();
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nthe answer$/s);
  });
}

test('nothing is written into a large answer that its client reads slowly', async (t) => {
  const { open } = await startScene(t);
  const { socket, whole } = await open();
  socket.pause();
  socket.write(`${requestText('/large')}hello\r\n\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.resume();
  const text = await whole();
  assert.ok(text.startsWith('HTTP/1.1 200 OK'));
  assert.ok(text.endsWith(`\r\n\r\n${LARGE}`));
});

test('a body behind an answer under way that takes too long ends the connection, and is let go of', async (t) => {
  const { connections, waiting, open } = await startScene(t);
  const { socket, whole } = await open();
  socket.write(requestText('/slow') + postText(4 * MIB) + 'x'.repeat(4 * MIB - 1));
  await eventually('request', () => waiting.length === 1);
  assert.equal(await whole(), '');
  await eventually('end of the connection', () => connections() === 0);
  const honest = await open();
  honest.socket.write(postText(4 * MIB) + 'x'.repeat(4 * MIB));
  await eventually('answer', () => honest.text().startsWith('HTTP/1.1 202'));
});

test('a connection that never sent a byte is idle, not slow: it gets no 408, and still serves', async (t) => {
  const { open } = await startScene(t);
  const { socket, text } = await open();
  await new Promise((resolve) => setTimeout(resolve, 4 * TIMEOUTS.requestMs));
  assert.equal(text(), '');
  socket.write(postText(1) + 'x');
  await eventually('answer', () => text().startsWith('HTTP/1.1 202'));
  socket.write('GET / HTTP/1.1\r\nx-long: ');
  await eventually('end', () => text().includes('HTTP/1.1 408'));
});

test('it is closed without a word after the time that idle connections have', async (t) => {
  const { connections, open } = await startScene(t, { timeouts: { ...TIMEOUTS, keepAliveMs: 1_000 } });
  const { socket, whole } = await open();
  assert.ok(!socket.destroyed);
  assert.equal(await whole(), '');
  await eventually('end of the connection', () => connections() === 0);
});

test('an answer may take longer than a connection may be idle', async (t) => {
  const { waiting, open } = await startScene(t, { timeouts: { ...TIMEOUTS, keepAliveMs: 100 } });
  const { socket, text } = await open();
  socket.write(requestText('/slow'));
  await eventually('request', () => waiting.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  void waiting[0]?.send('the answer');
  await eventually('answer', () => text().endsWith('the answer'));
});

test('a client that was answered and goes on sending its body has a moment to read the answer, no more', async (t) => {
  const { connections, open } = await startScene(t, { timeouts: {} });
  const { socket, text } = await open();
  socket.write(`POST /v1/log_event HTTP/1.1\r\nhost: proxy\r\ncontent-length: ${MIB}\r\n\r\n`);
  dribble(t, socket);
  await eventually('answer', () => text().startsWith('HTTP/1.1 400'));
  assert.equal(connections(), 1);
  await eventually('end of the connection', () => connections() === 0);
});

test('more requests at a time than any client sends end the connection', async (t) => {
  const { connections, waiting, open } = await startScene(t);
  const { socket, whole } = await open();
  socket.write(requestText('/slow').repeat(100));
  assert.equal(await whole(), '');
  assert.ok(waiting.length > 10);
  await eventually('end of the connection', () => connections() === 0);
});
