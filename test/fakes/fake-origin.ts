// Statsig's CDN as a real HTTP server on a free port: serves a demo project to every key, or does what it is told instead.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { demoProtobuf, demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';
import { Gate } from './gate.js';
import type { Fault } from './origin-faults.js';

export interface OriginRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** When it came, by `performance.now()`. */
  readonly atMs: number;
}

export interface FakeOrigin {
  readonly url: string;
  /** Every request that came, oldest first. */
  readonly requests: readonly OriginRequest[];
  /** What is served; set a newer `time` for an update. */
  project: DemoProject;
  /**
   * What is served instead to who asks under a path of that name (`http://…/<name>/v1/…`): as an edge of a CDN that is
   * ahead of the others, or behind them. A name that is not in here is served `project`.
   */
  readonly edges: Map<string, DemoProject>;
  /** Remote values by their SHA-256. */
  readonly values: Map<string, Buffer>;
  /** Done instead of serving a value, while it is set; `serve` does that after all. */
  valueFault: ((response: ServerResponse, serve: () => void, sha256: string) => void) | undefined;
  /** SDK keys that are answered 403. */
  readonly refusedKeys: Set<string>;
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
  /** Takes it off the network for good; safe to call again. */
  close(): Promise<void>;
}

const PATH = /^(?:\/(?<edge>[\w-]+))?\/(?<api>v[12])\/download_config_specs\/(?<sdkKey>[^/]+)\.json$/;
const VALUE_PATH = /^\/v1\/dynamic_config_value\/(.*)$/;
const NO_UPDATES = '{"has_updates":false}';

export async function startFakeOrigin(port = 0): Promise<FakeOrigin> {
  const requests: OriginRequest[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const gate = new Gate();
  let connections = 0;
  let closing: Promise<void> | undefined;

  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers, atMs: performance.now() });
    for (const entry of waiting) if (requests.length >= entry.count) entry.resolve();
    void gate.opened.then(() => {
      answer(origin, request.url ?? '', request.headers, response);
    });
  });
  server.on('connection', () => (connections += 1));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const origin: FakeOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    project: { time: 1_750_000_000_000, isGateOpen: true, greeting: 'hello' },
    edges: new Map(),
    values: new Map(),
    valueFault: undefined,
    refusedKeys: new Set(),
    fault: undefined,
    encoding: 'br',
    arrived: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push({ count, resolve });
          }),
    hold: () => gate.hold(),
    get connections() {
      return connections;
    },
    close: () => (closing ??= close(server)),
  };
  return origin;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

function answer(
  origin: FakeOrigin,
  path: string,
  headers: IncomingHttpHeaders,
  response: ServerResponse,
): void {
  const url = new URL(path, origin.url);
  const { edge = '', api = '', sdkKey = '' } = PATH.exec(url.pathname)?.groups ?? {};
  const project = origin.edges.get(edge) ?? origin.project;
  const sha256 = VALUE_PATH.exec(url.pathname)?.[1];
  if (sha256 !== undefined) {
    const serveIt = (): void => {
      serveValue(origin.values.get(sha256), acceptedOf(headers, origin.encoding), response);
    };
    if (origin.valueFault === undefined) serveIt();
    else origin.valueFault(response, serveIt, sha256);
    return;
  }
  if (origin.fault !== undefined) {
    origin.fault(response, project, api);
  } else if (origin.refusedKeys.has(sdkKey)) {
    response.writeHead(403, { 'content-length': 0 }).end();
  } else {
    serve(project, api, url.searchParams, acceptedOf(headers, origin.encoding), response);
  }
}

function serveValue(
  value: Buffer | undefined,
  encoding: FakeOrigin['encoding'],
  response: ServerResponse,
): void {
  if (value === undefined) response.writeHead(404, { 'content-length': 0 }).end();
  else send(response, 'application/json', encoding, encode(value, encoding));
}

function acceptedOf(headers: IncomingHttpHeaders, encoding: FakeOrigin['encoding']): FakeOrigin['encoding'] {
  return String(headers['accept-encoding']).includes(encoding) ? encoding : 'identity';
}

function serve(
  project: DemoProject,
  api: string,
  query: URLSearchParams,
  encoding: FakeOrigin['encoding'],
  response: ServerResponse,
): void {
  response.setHeader('x-since-time', String(project.time));
  if (Number(query.get('sinceTime')) >= project.time) {
    send(response, 'application/json', 'identity', Buffer.from(NO_UPDATES));
  } else if (query.get('supports_proto') === 'true') {
    send(response, 'application/octet-stream', 'statsig-br', demoProtobuf(project));
  } else {
    const spec = api === 'v1' ? demoV1(project) : demoV2(project);
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
