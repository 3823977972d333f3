// What a plain grpc-js server does: polls the origin, and for every stream has proto-loader encode the spec anew.
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';
import { answerParent } from './answer-parent.js';
import { watchSelf } from './self-watch.js';

const POLL_EVERY_MS = 1000;
const options = JSON.parse(process.argv[2] ?? '{}') as { readonly origin: string };

interface SpecMessage {
  readonly spec: string;
  readonly lastUpdated: number;
}
type Stream = ServerWritableStream<unknown, SpecMessage>;

const proto = fileURLToPath(new URL('../../proto/statsig_forward_proxy.proto', import.meta.url));
const service = loadSync(proto, { longs: Number })['statsig_forward_proxy.StatsigForwardProxy'];
if (service === undefined || 'format' in service) throw new Error('no service in the proto file');

const streams = new Set<Stream>();
let json: Buffer | undefined;
let time = 0;

function send(stream: Stream): void {
  if (json !== undefined) stream.write({ spec: json.toString(), lastUpdated: time });
}

async function poll(): Promise<void> {
  const path = '/v2/download_config_specs/secret-benchkey0123456789.json';
  const answer = await fetch(`${options.origin}${path}?sinceTime=${time}`);
  const body = Buffer.from(await answer.arrayBuffer());
  const spec = JSON.parse(body.toString()) as { readonly has_updates: boolean; readonly time: number };
  if (spec.has_updates) {
    json = body;
    time = spec.time;
    for (const stream of streams) send(stream);
  }
  setTimeout(() => void poll(), POLL_EVERY_MS);
}

const watch = watchSelf();
const server = new Server({ 'grpc.max_send_message_length': -1 });
server.addService(service, {
  getConfigSpec: () => undefined,
  StreamConfigSpec: (stream: Stream) => {
    streams.add(stream);
    stream.once('cancelled', () => streams.delete(stream));
    stream.on('error', () => undefined);
    send(stream);
  },
});
await poll();
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  answerParent({ url: `http://127.0.0.1:${port}` }, () => ({ kind: 'watched', ...watch.take() }));
});
