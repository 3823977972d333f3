// A stand-in for Statsig's CDN, to try the proxy without an account: one demo key whose specs change every few seconds.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { answerIdLists } from './demo-id-lists.js';
import { demoProtobuf, demoV1, demoV2, type DemoProject } from './demo-specs.js';

export const DEMO_SDK_KEY = 'secret-demo-key-for-trying-out';
const HOST = '127.0.0.1';
const PORT = 8090;
const NO_UPDATES = Buffer.from('{"has_updates":false}');

export interface DemoOrigin {
  readonly url: string;
  close(): void;
}

/** Listens on port 8090, or on any free one where that is taken. */
export async function startDemoOrigin({
  changeEveryMs,
}: {
  readonly changeEveryMs: number;
}): Promise<DemoOrigin> {
  let changes = 0;
  let project = projectAfter(changes);
  const changing = setInterval(() => {
    changes += 1;
    project = projectAfter(changes);
  }, changeEveryMs);
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/v1/log_event') takeLogEvents(request, response);
    else if (!answerIdLists(request, response, { sdkKey: DEMO_SDK_KEY, growsEveryMs: changeEveryMs })) {
      answer(request, response, project);
    }
  });
  const close = (): void => {
    clearInterval(changing);
    server.closeAllConnections();
    server.close();
  };
  try {
    return { url: `http://${HOST}:${await listen(server, PORT)}`, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (!isTaken || port === 0) throw error;
    return await listen(server, 0);
  }
  return (server.address() as AddressInfo).port;
}

function projectAfter(changes: number): DemoProject {
  return { time: Date.now(), isGateOpen: changes % 2 === 0, greeting: `hello number ${changes}` };
}

function answer(request: IncomingMessage, response: ServerResponse, project: DemoProject): void {
  const url = new URL(request.url ?? '/', 'http://demo-origin');
  const [, api, endpoint, file] = url.pathname.split('/');
  if (endpoint !== 'download_config_specs' || (api !== 'v1' && api !== 'v2')) {
    send(response, 404, {}, Buffer.from('{"error":"not found"}'));
  } else if (file !== `${DEMO_SDK_KEY}.json`) {
    send(response, 401, {}, Buffer.from('{"error":"unknown SDK key"}'));
  } else if (Number(url.searchParams.get('sinceTime') ?? 0) >= project.time) {
    send(response, 200, { 'content-type': 'application/json' }, NO_UPDATES);
  } else if (api === 'v2' && url.searchParams.get('supports_proto') === 'true') {
    const type = { 'content-type': 'application/octet-stream', 'content-encoding': 'statsig-br' };
    send(response, 200, type, demoProtobuf(project));
  } else {
    sendJson(request, response, api === 'v1' ? demoV1(project) : demoV2(project));
  }
}

/** Taken, and forgotten. */
function takeLogEvents(request: IncomingMessage, response: ServerResponse): void {
  const isKnown = request.headers['statsig-api-key'] === DEMO_SDK_KEY;
  request.resume();
  request.on('end', () => {
    const text = isKnown ? '{"success":true}' : '{"error":"unknown SDK key"}';
    send(response, isKnown ? 202 : 401, { 'content-type': 'application/json' }, Buffer.from(text));
  });
}

function sendJson(request: IncomingMessage, response: ServerResponse, spec: object): void {
  const bytes = Buffer.from(JSON.stringify(spec));
  const accepted = request.headers['accept-encoding'] ?? '';
  const type = { 'content-type': 'application/json' };
  if (/\bbr\b/.test(accepted))
    send(response, 200, { ...type, 'content-encoding': 'br' }, brotliCompressSync(bytes));
  else if (accepted.includes('gzip'))
    send(response, 200, { ...type, 'content-encoding': 'gzip' }, gzipSync(bytes));
  else send(response, 200, type, bytes);
}

function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  bytes: Buffer,
): void {
  response.writeHead(status, { 'content-length': bytes.length, ...headers }).end(bytes);
}
