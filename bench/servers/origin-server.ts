// An origin that serves one spec of a wished size to every key, in JSON or protobuf, and refuses every key that begins with `random-`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { demoEnvelopes, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import { answerParent } from './answer-parent.js';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly fillerGates: number;
  /** With ids and salts as Statsig makes them: the body compresses to a fifth, and to a thirtieth without. */
  readonly hasRandomIds?: boolean;
  /** Bytes of incompressible text in the spec: what makes a compressed body large. */
  readonly noiseBytes?: number;
  /** Of JSON; protobuf is always br. `asked`: br where the request accepts it, else gzip. */
  readonly encoding: 'br' | 'gzip' | 'identity' | 'asked';
  /** TLS and HTTP/2 with this certificate; neither where left out. */
  readonly tls?: { readonly key: string; readonly cert: string };
};
const NO_UPDATES = Buffer.from('{"has_updates":false}');
let time = 1_700_000_000_000;
let requests = 0;
/** Everything that went over connections that are closed by now, in both directions. */
let closedBytes = 0;
const sockets = new Set<Socket>();
let bodies = encodeAll();
/** Made when it is first asked for: most benchmarks never do. */
let protobufBody: Buffer | undefined;
let gzipBodies = options.encoding === 'asked' ? encodeAll('gzip') : bodies;

function encodeAll(encoding = options.encoding): Map<string, Buffer> {
  const project = projectNow();
  return new Map(
    [['v1', demoV1(project)] as const, ['v2', demoV2(project)] as const].map(([api, spec]) => [
      api,
      encode(Buffer.from(JSON.stringify(spec)), encoding),
    ]),
  );
}

function projectNow(): DemoProject {
  const { fillerGates, hasRandomIds = false, noiseBytes = 0 } = options;
  const greeting = noiseBytes === 0 ? 'hello' : makeNoise(noiseBytes).toString('base64');
  return { time, isGateOpen: true, greeting, fillerGates, hasRandomIds };
}

/** A fixed linear congruence: the same in every run, and nothing in it comes again that a compressor could find. */
function makeNoise(bytes: number): Buffer {
  const noise = Buffer.alloc(bytes);
  let state = 12345;
  for (let at = 0; at < bytes; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    noise[at] = state >>> 16;
  }
  return noise;
}

function encode(bytes: Buffer, encoding: typeof options.encoding): Buffer {
  if (encoding === 'gzip') return gzipSync(bytes);
  if (encoding === 'identity') return bytes;
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
}

function bodyOf(api: string, coding: string): Buffer | undefined {
  if (coding === 'statsig-br') return (protobufBody ??= encode(demoEnvelopes(projectNow()), 'br'));
  return (coding === 'gzip' ? gzipBodies : bodies).get(api);
}

function bytesOf(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten;
}

function codingFor({ headers }: IncomingMessage | Http2ServerRequest): string {
  if (options.encoding !== 'asked') return options.encoding;
  return String(headers['accept-encoding']).includes('br') ? 'br' : 'gzip';
}

function answer(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  requests += 1;
  const url = new URL(request.url ?? '/', 'http://origin');
  const [, api = '', , file = ''] = url.pathname.split('/');
  const isProtobuf = api === 'v2' && url.searchParams.get('supports_proto') === 'true';
  const coding = isProtobuf ? 'statsig-br' : codingFor(request);
  const body = bodyOf(api, coding);
  if (file.startsWith('random-') || body === undefined) {
    response.writeHead(401, { 'content-length': '2' });
    response.end('no');
  } else if (Number(url.searchParams.get('sinceTime')) >= time) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': NO_UPDATES.length });
    response.end(NO_UPDATES);
  } else {
    const type = isProtobuf ? 'application/octet-stream' : 'application/json';
    const head = { 'content-type': type, 'content-length': body.length };
    response.writeHead(200, coding === 'identity' ? head : { ...head, 'content-encoding': coding });
    response.end(body);
  }
}

const server = options.tls === undefined ? createServer(answer) : createSecureServer(options.tls, answer);
let sessions = 0;
server.on('session', () => (sessions += 1));
server.on('connection', (socket: Socket) => {
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    closedBytes += bytesOf(socket);
  });
});
if ('keepAliveTimeout' in server) server.keepAliveTimeout = 72_000;
server.listen(0, '127.0.0.1', () => {
  const scheme = options.tls === undefined ? 'http' : 'https';
  answerParent({ url: `${scheme}://localhost:${(server.address() as AddressInfo).port}` }, (message) => {
    if (message['kind'] === 'update') {
      time += 1_000;
      protobufBody = undefined;
      bodies = encodeAll();
      gzipBodies = options.encoding === 'asked' ? encodeAll('gzip') : bodies;
    }
    const bytes = [...sockets].reduce((sum, socket) => sum + bytesOf(socket), closedBytes);
    return { kind: 'done', time, requests, bytes, sessions };
  });
});
