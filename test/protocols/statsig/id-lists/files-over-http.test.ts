// Files the whole way: from a host over HTTP, through copies or past them, to a client's socket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../../src/domain/clock.js';
import { IdListFiles } from '../../../../src/protocols/statsig/id-lists/id-list-files.js';
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { buildFastifyApp } from '../../../../src/servers/http/fastify-app.js';
import { FILE_PATH } from '../../../../src/protocols/statsig/id-lists/file-id.js';
import { addIdListFileRoutes } from '../../../../src/protocols/statsig/http/id-list-file-routes.js';
import { createIdListFileClient } from '../../../../src/protocols/statsig/origin/id-list-file-client.js';
import { eventually, within } from '../../../e2e/deadline.js';
import { httpBounds } from '../../../fakes/http-bounds.js';
import { listenHttp } from '../../../fakes/listening-app.js';
import { LogSink } from '../../../fakes/log-sink.js';
import { rawRequest } from '../../../fakes/raw-request.js';

const MIB = 1024 * 1024;
const HUGE_BYTES = 96 * MIB;
const PIECE = Buffer.alloc(65_536, '+');

interface Way {
  readonly url: string;
  readonly files: IdListFiles;
  /** Set by the test. */
  respond: (response: ServerResponse, request: IncomingMessage) => void;
  /** Of the file, at the origin and in the manifest. */
  bytes: number;
  readonly open: () => Promise<Socket>;
}

async function startWay(t: TestContext, bytesMax: number): Promise<Way> {
  const way: Pick<Way, 'respond' | 'bytes'> = { respond: () => undefined, bytes: 0 };
  const host = createServer((request, response) => {
    way.respond(response, request);
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const client = createIdListFileClient(systemClock, {
    version: '1.2.3',
    connectTimeoutMs: 5_000,
    headersTimeoutMs: 5_000,
    bodyIdleTimeoutMs: 5_000,
    idleConnectionsMax: 4,
    idleConnectionMs: 55_000,
    caPem: undefined,
    httpProxy: '',
    httpsProxy: '',
    noProxy: '',
  });
  const log = createLogger(new LogSink(), { level: 'info', instanceName: 'test', version: '1.2.3' });
  const files = new IdListFiles(systemClock, log, client, new MemoryPlace(), { bytesMax });
  const http = buildFastifyApp(systemClock, log, httpBounds());
  const { app } = http;
  const file = { name: 'a-list', url: `http://127.0.0.1:${(host.address() as AddressInfo).port}/file` };
  const source = {
    find: async () => ({ file, bytesMin: way.bytes }),
    read: files.read.bind(files),
  };
  addIdListFileRoutes(app, source, () => true);
  const { number: port } = await listenHttp(t, http);
  t.after(async () => {
    await files.close();
    host.closeAllConnections();
    host.close();
  });
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket.pause();
  };
  return Object.assign(way, { url: `http://127.0.0.1:${port}${FILE_PATH}x`, files, open });
}

const GET = `GET ${FILE_PATH}x HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n`;
const PIPELINED = `GET ${FILE_PATH}x HTTP/1.1\r\nhost: proxy\r\n\r\n`;

/** Writes as fast as it is taken. */
async function writeHuge(response: ServerResponse, counted: { sent: number }): Promise<void> {
  response.writeHead(200, { 'content-length': HUGE_BYTES });
  for (; counted.sent < HUGE_BYTES && !response.destroyed; counted.sent += PIECE.length) {
    if (!response.write(PIECE)) await new Promise((resolve) => response.once('drain', resolve));
  }
  response.end();
}

test('a client grows with the file, and the origin is asked for each byte once', async (t) => {
  const way = await startWay(t, MIB);
  const asked: (string | undefined)[] = [];
  let file = '';
  way.respond = (response, { headers }) => {
    asked.push(headers.range);
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
    const range =
      headers.range === undefined
        ? {}
        : { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` };
    response.writeHead(headers.range === undefined ? 200 : 206, range).end(file.slice(from));
  };
  let came = '';
  for (let day = 1; day <= 4; day += 1) {
    file += `+member${day}\r\n`;
    way.bytes = file.length;
    for (let replica = 0; replica < 3; replica += 1) {
      const answer = await rawRequest(way.url, { headers: { range: `bytes=${came.length}-` } });
      assert.equal(answer.status, 206);
      assert.equal(answer.text, file.slice(came.length));
    }
    came = file;
  }
  assert.deepEqual(asked, ['bytes=0-', 'bytes=10-', 'bytes=20-', 'bytes=30-']);
});

for (const [what, bytesMax] of [
  ['a copy', 2 * HUGE_BYTES],
  ['the origin itself', 0],
] as const) {
  test(`a file of 96 MiB comes whole from ${what}, however slowly it is read`, async (t) => {
    const way = await startWay(t, bytesMax);
    way.bytes = HUGE_BYTES;
    const counted = { sent: 0 };
    way.respond = (response) => void writeHuge(response, counted);
    const socket = await way.open();
    socket.write(GET);
    await within(once(socket, 'readable'), 'first byte');
    if (bytesMax === 0) {
      let before = -1;
      await eventually('standstill of the origin', async () => {
        before = counted.sent;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return counted.sent === before;
      });
      // The rest is in the buffers of four sockets.
      assert.ok(counted.sent < HUGE_BYTES / 2, `${counted.sent} bytes`);
    }
    let bytes = 0;
    socket.on('data', (piece: Buffer) => (bytes += piece.length)).resume();
    await within(once(socket, 'close'), 'end of the answer');
    assert.ok(bytes > HUGE_BYTES && bytes < HUGE_BYTES + 1_000);
  });
}

test('a client that leaves what is passed on ends the connection to the origin', async (t) => {
  const way = await startWay(t, 0);
  way.bytes = HUGE_BYTES;
  let isOver = false;
  way.respond = (response) => {
    response.on('close', () => (isOver = true));
    response.writeHead(200, { 'content-length': HUGE_BYTES }).write(PIECE);
  };
  const socket = await way.open();
  socket.write(GET);
  await within(once(socket, 'readable'), 'first byte');
  socket.destroy();
  await eventually('end at the origin', () => isOver);
  await eventually('end of the stream', () => way.files.gauges['idListStreamsInFlight']?.entries === 0);
});

test('an origin that breaks off in the middle of what is passed on cuts its client short', async (t) => {
  const way = await startWay(t, 0);
  way.bytes = HUGE_BYTES;
  way.respond = (response) => {
    response.writeHead(200, { 'content-length': HUGE_BYTES });
    response.write(PIECE, () => response.socket?.destroy());
  };
  await assert.rejects(rawRequest(way.url), { code: 'ECONNRESET' });
  way.respond = (response) => response.writeHead(200).end('<html>');
  await assert.rejects(rawRequest(way.url), { code: 'ECONNRESET' });
});

test('what waits behind another answer ends with its connection', async (t) => {
  const way = await startWay(t, 0);
  way.bytes = HUGE_BYTES;
  way.respond = (response) => void writeHuge(response, { sent: 0 });
  for (let connection = 0; connection < 3; connection += 1) {
    const socket = await way.open();
    socket.write(PIPELINED.repeat(4));
    await eventually('streams', () => way.files.gauges['idListStreamsInFlight']?.entries === 4);
    await within(once(socket, 'readable'), 'first byte');
    socket.destroy();
    await eventually('end of the streams', () => way.files.gauges['idListStreamsInFlight']?.entries === 0);
  }
});
