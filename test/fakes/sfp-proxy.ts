// A forward proxy that behaves as SFP 4.5 does towards its clients and its origin, as far as its source shows; it polls when told to.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { rawRequest, type RawAnswer } from './raw-request.js';

export interface SfpProxy {
  readonly url: string;
  /** Asks the origin once for everything that clients have asked for. */
  poll(): Promise<void>;
}

interface Held {
  readonly ask: (lcut: number) => Promise<RawAnswer>;
  lcut: number;
  body: Buffer | undefined;
  headers: Record<string, string>;
}

const SPECS = /^\/v[12]\/download_config_specs\/(?<sdkKey>[^/]+)\.json$/;
const MANIFEST = '/v1/get_id_lists';
const EVENTS = '/v1/log_event';
const NO_UPDATES = Buffer.from('{"has_updates":false}');
/** Of its framework, on every answer. */
const ROCKET = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'permissions-policy': 'interest-cohort=()',
  server: 'nginx/1.22.1',
};

/** `origin`: of specs, ID lists and log events. */
export async function startSfpProxy(t: TestContext, origin: string): Promise<SfpProxy> {
  const held = new Map<string, Held>();
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path === EVENTS || path === MANIFEST || SPECS.test(path))
      void answer(origin, held, request, response);
    else notFound(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    poll: async () => {
      await Promise.all([...held.values()].map(refresh));
    },
  };
}

async function answer(
  origin: string,
  held: Map<string, Held>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://sfp');
  const header = request.headers['statsig-api-key'];
  const sdkKey = typeof header === 'string' ? header : (SPECS.exec(pathname)?.groups?.['sdkKey'] ?? '');
  if (pathname === EVENTS) {
    await takeEvents(origin, sdkKey, request, response);
    return;
  }
  const isManifest = pathname === MANIFEST;
  const isProto = !isManifest && searchParams.get('supports_proto') === 'true';
  const encodings = (request.headers['accept-encoding'] ?? '').match(/statsig-br|gzip/g) ?? [];
  const entry = await entryOf(held, origin, { sdkKey, pathname, isProto, encodings });
  reply(response, entry, isManifest ? -1 : Number(searchParams.get('sinceTime') ?? 0));
}

function notFound(response: ServerResponse): void {
  const headers = { ...ROCKET, 'content-type': 'application/json' };
  response.writeHead(404, headers).end('{"code":404,"reason":"Not Found"}');
}

interface Asked {
  readonly sdkKey: string;
  readonly pathname: string;
  readonly isProto: boolean;
  readonly encodings: readonly string[];
}

/** Kept for each key, path, encodings and format, and fetched when it is asked for first. */
async function entryOf(held: Map<string, Held>, origin: string, asked: Asked): Promise<Held> {
  const { sdkKey, pathname, isProto, encodings } = asked;
  const path = pathname === MANIFEST ? pathname : pathname.replace(/[^/]+$/, `${sdkKey}.json`);
  const id = [sdkKey, path, isProto, ...encodings].join(' ');
  const known = held.get(id);
  if (known !== undefined) return known;
  const ask =
    pathname === MANIFEST ? manifestFrom(origin, sdkKey) : specFrom(origin, path, isProto, encodings);
  const entry: Held = { ask, lcut: 0, body: undefined, headers: {} };
  held.set(id, entry);
  await refresh(entry);
  return entry;
}

function reply(response: ServerResponse, entry: Held, sinceTime: number): void {
  if (entry.body === undefined) {
    const headers = { ...ROCKET, 'content-type': 'text/plain; charset=utf-8' };
    response.writeHead(401, headers).end('Unauthorized');
  } else if (entry.lcut <= sinceTime) {
    send(response, NO_UPDATES, entry.lcut, { 'content-type': 'application/json', 'x-cache-hit': 'true' });
  } else {
    send(response, entry.body, entry.lcut, entry.headers);
  }
}

function send(response: ServerResponse, body: Buffer, lcut: number, headers: Record<string, string>): void {
  const length = { 'content-length': String(body.length) };
  response.writeHead(200, { ...ROCKET, ...headers, ...length, 'x-since-time': String(lcut) }).end(body);
}

async function refresh(entry: Held): Promise<void> {
  const { status, headers, bytes } = await entry.ask(entry.lcut).catch(() => FAILED);
  if (status !== 200) return;
  const isNews = (headers['x-cache-hit'] ?? 'false') === 'false';
  const lcut = Number(headers['x-since-time'] ?? 0);
  // Without a version, or with the one that it has, an answer is thrown away: but for ID lists.
  if (!isNews || (lcut <= entry.lcut && entry.lcut + lcut > 0)) return;
  entry.lcut = lcut;
  entry.body = bytes;
  const type = headers['content-type'] ?? 'application/json';
  const coding = headers['content-encoding'];
  entry.headers = { 'content-type': type, ...(coding !== undefined && { 'content-encoding': coding }) };
}

const FAILED: RawAnswer = { status: 0, headers: {}, bytes: Buffer.alloc(0), text: '' };
const OWN_HEADERS = { 'x-sfp-version': '4.5.0', 'user-agent': 'statsig-forward-proxy/4.5.0' };

function specFrom(origin: string, path: string, isProto: boolean, encodings: readonly string[]): Held['ask'] {
  return (lcut) => {
    const query = new URLSearchParams();
    if (lcut > 0) query.set('sinceTime', String(lcut));
    if (isProto) query.set('supports_proto', 'true');
    const headers = {
      ...OWN_HEADERS,
      ...(encodings.length > 0 && { 'accept-encoding': encodings.join(',') }),
      ...(isProto && { 'statsig-supports-proto': 'true' }),
    };
    return rawRequest(`${origin}${path}?${query.toString()}`, { headers });
  };
}

function manifestFrom(origin: string, sdkKey: string): Held['ask'] {
  const headers = { ...OWN_HEADERS, 'statsig-api-key': sdkKey, 'content-type': 'application/json' };
  return () => rawRequest(`${origin}/v1/get_id_lists`, { method: 'POST', headers, body: '{}' });
}

/** It takes the batch first, and sends it on as it understood it, once, whatever becomes of it. */
async function takeEvents(
  origin: string,
  sdkKey: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const coding = request.headers['content-encoding'];
  const body = coding === 'gzip' ? gunzipSync(Buffer.concat(pieces)) : Buffer.concat(pieces);
  if (coding !== undefined && coding !== 'gzip') {
    response.writeHead(400, ROCKET).end('{"code":400,"reason":"Bad Request"}');
    return;
  }
  const text = '{"success":true,"message":null}';
  response.writeHead(202, { ...ROCKET, 'content-type': 'application/json' }).end(text);
  const { events, statsigMetadata } = JSON.parse(body.toString()) as {
    events: unknown[];
    statsigMetadata: unknown;
  };
  const headers = { 'statsig-api-key': sdkKey, 'statsig-event-count': String(events.length) };
  const rewritten = JSON.stringify({ events, statsigMetadata });
  await rawRequest(`${origin}/v1/log_event`, { method: 'POST', headers, body: rewritten }).catch(
    () => FAILED,
  );
}
