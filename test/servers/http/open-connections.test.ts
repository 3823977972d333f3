// The connections of an HTTP server: what waits on them when they close is let go of, and which ones give way to new ones.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/domain/clock.js';
import type { FileReading } from '../../../src/protocols/statsig/id-lists/file-reading.js';
import { createLogger } from '../../../src/observability/logger.js';
import { buildFastifyApp } from '../../../src/servers/http/fastify-app.js';
import { addProbeRoutes } from '../../../src/servers/http/probe-routes.js';
import { Readiness } from '../../../src/servers/readiness.js';
import { eventually, within } from '../../e2e/deadline.js';
import { httpBounds } from '../../fakes/http-bounds.js';
import { listenHttp } from '../../fakes/listening-app.js';
import { LogSink } from '../../fakes/log-sink.js';
import { FILE, PATH, requestText, startScene } from '../../protocols/statsig/http/id-list-file-scene.js';

const LIST = `${PATH}/list`;
const ANSWERS = 5;

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield FILE;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('answers that wait behind another one end with their connection', async (t) => {
  const { open, source } = await startScene(t);
  source.reading = () => ({ kind: 'bytes', totalBytes: 1e12, body: source.bodyOf(endless()) });
  const socket = await open();
  socket.write(requestText(LIST).repeat(ANSWERS));
  await eventually('all of them', () => source.open === ANSWERS);
  await within(once(socket, 'data'), 'first bytes');
  socket.destroy();
  await eventually('end of all', () => source.open === 0);
});

test('so does one that had nothing to send yet', async (t) => {
  const { app, open, source } = await startScene(t);
  let give: (reading: FileReading) => void = () => undefined;
  const bytes = (): FileReading => ({ kind: 'bytes', totalBytes: 1e12, body: source.bodyOf(endless()) });
  source.reading = () =>
    source.wishes.length === 1
      ? bytes()
      : new Promise((resolve) => {
          give = resolve;
        });
  const accepted = once(app.server, 'connection');
  const socket = await open();
  const [atServer] = (await within(accepted, 'connection')) as [Socket];
  socket.write(requestText(LIST).repeat(2));
  await within(once(socket, 'data'), 'first bytes');
  await eventually('second question', () => source.wishes.length === 2);
  const closed = once(atServer, 'close');
  socket.destroy();
  await within(closed, 'news of it');
  give(bytes());
  await eventually('end of both', () => source.open === 0);
});

interface Client {
  readonly socket: Socket;
  readonly isClosed: () => boolean;
  /** Asks, and waits for an answer with this status. */
  readonly ask: (path: string, status: number) => Promise<void>;
}

const CONNECTIONS_MAX = 8;
/** Those beyond three quarters, which answers under way do not protect. */
const UNPROTECTED = 2;

/** An app with few connections that serves `/spec`; gives what opens one of them. */
async function startNarrowApp(t: TestContext): Promise<{ open: () => Promise<Client>; slow: () => number }> {
  const log = createLogger(new LogSink(), { level: 'info', instanceName: 'test', version: '0.0.0' });
  const http = buildFastifyApp(systemClock, log, httpBounds());
  const { app } = http;
  let slow = 0;
  addProbeRoutes(app, new Readiness(() => []));
  app.get('/spec', (_request, reply) => reply.send('spec'));
  app.get('/slow', (_request, reply) => {
    slow += 1;
    return reply;
  });
  const port = await listenHttp(t, http, { connectionsMax: CONNECTIONS_MAX });
  const open = async (): Promise<Client> => {
    const socket = connect(port.number, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    let isClosed = false;
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString())).once('close', () => (isClosed = true));
    const accepted = once(app.server, 'connection');
    await within(accepted, 'connection');
    return {
      socket,
      isClosed: () => isClosed,
      ask: async (path, status) => {
        text = '';
        socket.write(requestText(path));
        await eventually(`answer to ${path}`, () => text.startsWith(`HTTP/1.1 ${status} `));
      },
    };
  };
  return { open, slow: () => slow };
}

test('a served client keeps its connection, whatever comes; errors and probes prove nothing', async (t) => {
  const { open } = await startNarrowApp(t);
  const served = await open();
  await served.ask('/spec', 200);
  const wrong = await open();
  await wrong.ask('/nothing', 404);
  const probe = await open();
  await probe.ask('/v1/health', 200);
  for (let index = 0; index < 20; index += 1) await open();
  await eventually('end of both', () => wrong.isClosed() && probe.isClosed());
  await served.ask('/spec', 200);
});

test('where all are served clients, the one idle for longest gives way, and a new one is answered', async (t) => {
  const { open } = await startNarrowApp(t);
  const served: Client[] = [];
  for (let index = 0; index < CONNECTIONS_MAX; index += 1) {
    const client = await open();
    await client.ask('/spec', 200);
    served.push(client);
  }
  await served[0]?.ask('/spec', 200);
  const last = await open();
  await last.ask('/v1/health', 200);
  await eventually('end of one', () => served[1]?.isClosed() === true);
  assert.equal(served.filter(({ isClosed }) => isClosed()).length, 1);
});

test('an answer under way to a served client is not cut off, and a new one is answered all the same', async (t) => {
  const { open, slow } = await startNarrowApp(t);
  const served: Client[] = [];
  for (let index = 0; index < CONNECTIONS_MAX; index += 1) {
    const client = await open();
    await client.ask('/spec', 200);
    client.socket.write(requestText('/slow'));
    served.push(client);
  }
  await eventually('all requests', () => slow() === CONNECTIONS_MAX);
  for (let index = 0; index < 5; index += 1) await (await open()).ask('/v1/health', 200);
  await eventually(
    'end of those beyond',
    () => served.filter(({ isClosed }) => isClosed()).length === UNPROTECTED,
  );
});
