// An origin that serves one spec of a wished size to every key, and refuses every key that begins with `random-`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { demoV1, demoV2 } from '../../scripts/demo-specs.js';
import { answerParent } from './answer-parent.js';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly fillerGates: number;
  /** With ids and salts as Statsig makes them: the body compresses to a fifth, and to a thirtieth without. */
  readonly hasRandomIds?: boolean;
  /** Bytes of incompressible text in the spec: what makes a gzip body large. */
  readonly noiseBytes?: number;
  /** `asked`: br where the request accepts it, else gzip. */
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
let gzipBodies = options.encoding === 'asked' ? encodeAll('gzip') : bodies;

function encodeAll(encoding = options.encoding): Map<string, Buffer> {
  const { fillerGates, hasRandomIds = false } = options;
  const project = { time, isGateOpen: true, greeting: 'hello', fillerGates, hasRandomIds };
  // A fixed linear congruence: noise that is the same in every run.
  const noise = Buffer.alloc(options.noiseBytes ?? 0);
  let state = 12345;
  for (let at = 0; at < noise.length; at += 1) {
    state = (state * 1103515245 + 12345) % 2147483648;
    noise[at] = state / 65536;
  }
  const extra = noise.length === 0 ? {} : { noise: noise.toString('base64') };
  return new Map(
    [['v1', demoV1(project)] as const, ['v2', demoV2(project)] as const].map(([api, spec]) => [
      api,
      encode(Buffer.from(JSON.stringify({ ...spec, ...extra })), encoding),
    ]),
  );
}

function encode(bytes: Buffer, encoding: typeof options.encoding): Buffer {
  if (encoding === 'gzip') return gzipSync(bytes);
  if (encoding === 'identity') return bytes;
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
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
  const coding = codingFor(request);
  const body = (coding === 'gzip' ? gzipBodies : bodies).get(api);
  if (file.startsWith('random-') || body === undefined) {
    response.writeHead(401, { 'content-length': '2' });
    response.end('no');
  } else if (Number(url.searchParams.get('sinceTime')) >= time) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': NO_UPDATES.length });
    response.end(NO_UPDATES);
  } else {
    const head = { 'content-type': 'application/json', 'content-length': body.length };
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
      bodies = encodeAll();
      gzipBodies = options.encoding === 'asked' ? encodeAll('gzip') : bodies;
    }
    const bytes = [...sockets].reduce((sum, socket) => sum + bytesOf(socket), closedBytes);
    return { kind: 'done', time, requests, bytes, sessions };
  });
});
