// The least that an update can take: a bare server that writes the same bytes to every HTTP/2 stream, and to each client that polls.
import { createServer as createHttpServer } from 'node:http';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { answerParent } from './answer-parent.js';
import { machineMs } from './grpc-machine-clock.js';
import { watchSelf } from './self-watch.js';

const PREFIX_BYTES = 5;
const NO_UPDATES = Buffer.from('{"has_updates":false}');
const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly messageBytes: number;
  /** Of the answer to a poll that brings the update. */
  readonly pollBytes: number;
};
const frame = Buffer.alloc(PREFIX_BYTES + options.messageBytes);
frame.writeUInt32BE(options.messageBytes, 1);
const pollBody = Buffer.alloc(options.pollBytes);
let version = 1;

const streams = new Set<ServerHttp2Stream>();
const watch = watchSelf();
const streamServer = createServer();
streamServer.on('stream', (stream: ServerHttp2Stream) => {
  streams.add(stream);
  stream.on('close', () => streams.delete(stream));
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.write(frame);
});
const pollServer = createHttpServer((request, response) => {
  const sinceTime = Number(new URL(request.url ?? '/', 'http://floor').searchParams.get('sinceTime'));
  const isNews = sinceTime < version;
  const body = isNews ? pollBody : NO_UPDATES;
  const news = isNews ? { 'content-encoding': 'gzip', 'x-since-time': version } : {};
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length, ...news });
  response.end(body);
});
pollServer.keepAliveTimeout = 72_000;

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

answerParent({ url: await listen(pollServer), grpcUrl: await listen(streamServer) }, ({ kind }) => {
  if (kind === 'watched') return { kind, ...watch.take() };
  version += 1;
  const startedAtMs = machineMs();
  for (const stream of streams) stream.write(frame);
  return { kind: 'done', startedAtMs };
});
