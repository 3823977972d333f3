// Everything an origin can do wrong, by name: how each looks on the wire.
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import { demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';

/** The origin's answer to one request, in the form `api` asks for. */
export type Fault = (response: ServerResponse, project: DemoProject, api: string) => void;

const JSON_TYPE = { 'content-type': 'application/json' };

function status(code: number, text: string, headers: Record<string, string> = {}): Fault {
  return (response) => {
    response
      .writeHead(code, { 'content-type': 'text/plain', 'content-length': text.length, ...headers })
      .end(text);
  };
}

function json(change: (spec: Record<string, unknown>, project: DemoProject) => void): Fault {
  return (response, project, api) => {
    const spec = { ...(api === 'v1' ? demoV1(project) : demoV2(project)) } as Record<string, unknown>;
    change(spec, project);
    response.writeHead(200, JSON_TYPE).end(JSON.stringify(spec));
  };
}

function body(bytes: Buffer | string, headers: Record<string, string> = {}): Fault {
  return (response) => {
    response.writeHead(200, { ...JSON_TYPE, ...headers }).end(bytes);
  };
}

/** About 300 MiB of spaces in a few kilobytes; compressed once, when first served. */
function bomb(): Fault {
  let bytes: Buffer | undefined;
  return (response) => {
    bytes ??= brotliCompressSync(Buffer.alloc(300 * 1024 * 1024, ' '), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
    });
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'br' }).end(bytes);
  };
}

/** What a client of a cold key is told of each: the reason of the proxy's failure. */
export const FAILING = {
  status_404: status(404, 'not found'),
  status_429: status(429, 'slow down'),
  status_500: status(500, 'internal error'),
  status_503: status(503, 'unavailable'),
  'status_500 whose text says 401': status(500, '{"error":"401 Unauthorized: got 403"}'),
  'headers_timeout of a silent origin': () => undefined,
  'body_timeout of an origin that stops half way': (response: ServerResponse) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': 5000 });
    response.write('{"has_updates":true');
  },
  'connection_lost by a reset': (response: ServerResponse) => {
    response.socket?.resetAndDestroy();
  },
  'connection_lost in the middle of a body': (response: ServerResponse) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': 5000 });
    response.write('{"has_updates":true', () => response.socket?.destroy());
  },
  'truncated JSON': body('{"has_updates":true,"time":1760000000000,"feature_gates":[{"na'),
  'truncated gzip': body(gzipSync('{"has_updates":true,"time":1760000000000}').subarray(0, 30), {
    'content-encoding': 'gzip',
  }),
  'decoding_failed of what is no gzip': body('no gzip at all, though it says so', {
    'content-encoding': 'gzip',
  }),
  'unsupported_encoding zstd': body('zstd', { 'content-encoding': 'zstd' }),
  empty_body: body(''),
  'not_json HTML with 200': body('<html><body>Please log in</body></html>', { 'content-type': 'text/html' }),
  'not_json with a comma too many': body('{"has_updates":true,"time":1760000000000,}'),
  'not_json an array': body('[]'),
  not_utf8: body(Buffer.from('{"has_updates":true,"time":1760000000000,"a":"\xff"}', 'latin1')),
  'no_time missing': json((spec) => delete spec['time']),
  'no_time as text': json((spec) => (spec['time'] = 'yesterday')),
  no_has_updates: json((spec) => delete spec['has_updates']),
  'delta by its mark': json((spec) => (spec['is_delta'] = true)),
  'delta by its header': body('{"has_updates":true,"time":1760000000000}', { 'x-deltas-used': 'true' }),
  'decoded_body_too_large bomb': bomb(),
  unasked_protobuf: body('x', {
    'content-type': 'application/octet-stream',
    'content-encoding': 'statsig-br',
  }),
} as const satisfies Record<string, Fault>;

/** Older than whatever the project is: a fault only for who holds the newer one. */
export const OLDER: Fault = json((spec, project) => (spec['time'] = project.time - 60_000));

export const REFUSING = {
  401: status(401, 'nothing with a number in it'),
  403: status(403, '{"error":"forbidden"}'),
} as const satisfies Record<number, Fault>;
