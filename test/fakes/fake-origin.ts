// Statsig's CDN as a real HTTP server on a free port: serves a demo project to every key, or does what it is told instead.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { demoProtobuf, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import type { Fault } from './origin-faults.js';

export interface OriginRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FakeOrigin {
  readonly url: string;
  /** Every request that came, oldest first. */
  readonly requests: readonly OriginRequest[];
  /** What is served; set a newer `time` for an update. */
  project: DemoProject;
  /** Done instead of serving, while it is set. */
  fault: Fault | undefined;
  /** The encoding of JSON bodies, where the request accepts it. */
  encoding: 'identity' | 'gzip' | 'br';
  /** Waits until this many requests came in all. */
  arrived(count: number): Promise<void>;
  /** Requests wait unanswered from now on, until the returned function is called. */
  hold(): () => void;
  /** Connections opened since the start. */
  readonly connections: number;
  close(): Promise<void>;
}

const NO_UPDATES = '{"has_updates":false}';

export async function startFakeOrigin(port = 0): Promise<FakeOrigin> {
  const requests: OriginRequest[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let gate: Promise<void> = Promise.resolve();
  let connections = 0;

  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers });
    for (const entry of waiting) if (requests.length >= entry.count) entry.resolve();
    void gate.then(() => {
      answer(origin, request.url ?? '', request.headers, response);
    });
  });
  server.on('connection', () => (connections += 1));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const origin: FakeOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    project: { time: 1_800_000_000_000, isGateOpen: true, greeting: 'hello' },
    fault: undefined,
    encoding: 'br',
    arrived: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push({ count, resolve });
          }),
    hold: () => {
      let release = (): void => undefined;
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    get connections() {
      return connections;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return origin;
}

function answer(
  origin: FakeOrigin,
  path: string,
  headers: IncomingHttpHeaders,
  response: ServerResponse,
): void {
  const url = new URL(path, origin.url);
  const api = url.pathname.split('/')[1] ?? '';
  if (origin.fault !== undefined) {
    origin.fault(response, origin.project, api);
  } else if (Number(url.searchParams.get('sinceTime')) >= origin.project.time) {
    send(response, 'application/json', 'identity', Buffer.from(NO_UPDATES));
  } else if (url.searchParams.get('supports_proto') === 'true') {
    send(response, 'application/octet-stream', 'statsig-br', demoProtobuf(origin.project));
  } else {
    const spec = api === 'v1' ? demoV1(origin.project) : demoV2(origin.project);
    const encoding = String(headers['accept-encoding']).includes(origin.encoding)
      ? origin.encoding
      : 'identity';
    send(response, 'application/json', encoding, encode(Buffer.from(JSON.stringify(spec)), encoding));
  }
}

function encode(bytes: Buffer, encoding: FakeOrigin['encoding']): Buffer {
  if (encoding === 'br') return brotliCompressSync(bytes);
  return encoding === 'gzip' ? gzipSync(bytes) : bytes;
}

function send(response: ServerResponse, type: string, encoding: string, bytes: Buffer): void {
  const coding = encoding === 'identity' ? {} : { 'content-encoding': encoding };
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length, ...coding }).end(bytes);
}
