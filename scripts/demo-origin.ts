// A stand-in for Statsig's CDN, to try the proxy without an account: one demo key whose specs change every few seconds.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { answerIdLists } from './demo-id-lists.js';
import { demoProtobuf, demoV1, demoV2, type DemoProject } from './demo-specs.js';

const DEMO_SDK_KEY = 'secret-demo-key-for-trying-out';
const HOST = '127.0.0.1';
const NO_UPDATES = Buffer.from('{"has_updates":false}');

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    'or-any-port': { type: 'boolean', default: false },
    'change-every-s': { type: 'string', default: '5' },
  },
});
const port = Number(values.port);
const changeEveryMs = Number(values['change-every-s']) * 1000;
if (!Number.isInteger(port) || !(changeEveryMs > 0)) {
  console.error('demo-origin: --port wants a port number, --change-every-s a number of seconds');
  process.exit(2);
}

let changes = 0;
/** The port that was asked for is. */
let isTaken = false;
let project = nextProject();
setInterval(() => {
  changes += 1;
  project = nextProject();
}, changeEveryMs);

const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/v1/log_event') takeLogEvents(request, response);
  else if (!answerIdLists(request, response, { sdkKey: DEMO_SDK_KEY, growsEveryMs: changeEveryMs })) {
    answer(request, response);
  }
});
server.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EADDRINUSE' && values['or-any-port'] && !isTaken) {
    isTaken = true;
    server.listen(0, HOST);
    return;
  }
  console.error(`demo-origin: ${error.message}`);
  process.exit(1);
});
server.on('listening', () => {
  const address = server.address();
  const open = typeof address === 'object' && address !== null ? address.port : port;
  console.log(`demo-origin: serving ${DEMO_SDK_KEY} on http://127.0.0.1:${open}`);
});
server.listen(port, HOST);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));

function nextProject(): DemoProject {
  return { time: Date.now(), isGateOpen: changes % 2 === 0, greeting: `hello number ${changes}` };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
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
