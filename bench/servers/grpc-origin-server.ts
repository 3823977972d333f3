// An origin of one large spec that notes when it was asked by the poll which got an update: where the measured time begins.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { demoV2 } from '../../scripts/demo-specs.js';
import { answerParent } from './answer-parent.js';
import { machineMs } from './grpc-machine-clock.js';

const options = JSON.parse(process.argv[2] ?? '{}') as { readonly fillerGates: number };
const NO_UPDATES = Buffer.from('{"has_updates":false}');
let current = specOf(1_700_000_000_000);
/** When the first poll that got the current version came in. */
let askedAtMs: number | undefined;

function specOf(time: number): { readonly time: number; readonly json: Buffer; readonly body: Buffer } {
  const project = { time, isGateOpen: true, greeting: 'hello', fillerGates: options.fillerGates };
  const json = Buffer.from(JSON.stringify(demoV2(project)));
  const body = brotliCompressSync(json, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
  return { time, json, body };
}

const server = createServer((request, response) => {
  const sinceTime = Number(new URL(request.url ?? '/', 'http://origin').searchParams.get('sinceTime'));
  const isNews = sinceTime < current.time;
  if (isNews) askedAtMs ??= machineMs();
  const body = isNews ? current.body : NO_UPDATES;
  const coding = isNews ? { 'content-encoding': 'br' } : {};
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length, ...coding });
  response.end(body);
});
server.keepAliveTimeout = 72_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const sizes = { specBytes: current.json.length, gzipBytes: gzipSync(current.json).length };
  answerParent({ url: `http://127.0.0.1:${port}`, ...sizes }, (message) => {
    if (message['kind'] === 'update') {
      current = specOf(current.time + 1_000);
      askedAtMs = undefined;
    }
    return { kind: 'done', askedAtMs };
  });
});
