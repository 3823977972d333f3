// The least that sending a message to many streams can take: a bare HTTP/2 server that writes the same buffer to each.
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { answerParent } from './answer-parent.js';
import { machineMs } from './grpc-machine-clock.js';
import { watchSelf } from './self-watch.js';

const PREFIX_BYTES = 5;
const options = JSON.parse(process.argv[2] ?? '{}') as { readonly messageBytes: number };
const frame = Buffer.alloc(PREFIX_BYTES + options.messageBytes);
frame.writeUInt32BE(options.messageBytes, 1);

const streams = new Set<ServerHttp2Stream>();
const watch = watchSelf();
const server = createServer();
server.on('stream', (stream: ServerHttp2Stream) => {
  streams.add(stream);
  stream.on('close', () => streams.delete(stream));
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.write(frame);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  answerParent({ url: `http://127.0.0.1:${port}` }, (message) => {
    if (message['kind'] === 'watched') return { kind: 'watched', ...watch.take() };
    const startedAtMs = machineMs();
    for (const stream of streams) stream.write(frame);
    return { kind: 'done', startedAtMs };
  });
});
