// How an origin of ID lists may answer, by name: right, and in every way that was seen or is to be feared.
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What is asked of a file: all of it, or what follows a byte. */
export interface FileQuestion {
  readonly bytes: Buffer;
  /** Undefined where no range is asked for. */
  readonly fromByte: number | undefined;
}

export type FileAnswer = (response: ServerResponse, question: FileQuestion) => void;

const TEXT = { 'content-type': 'text/plain' };
const JSON_TYPE = { 'content-type': 'application/json' };
const PAGE = '<html>hi</html>\r\n\n';
const SLOW_PIECES = 10;
const SLOW_PIECE_EVERY_MS = 30;

/** As Statsig's storage does it. */
const range206: FileAnswer = (response, question) => {
  const tail = headOf(response, question, (length) => ({ 'content-length': length }));
  if (tail !== undefined) response.end(tail);
};

/** The seven of the SDKs' matrix: what an SDK that gets them makes of them is told in test/e2e/id-list-sdks.test.ts. */
export const MATRIX = {
  range_206: range206,
  ignores_range_200_full: (response, { bytes }) => {
    response.writeHead(200, { ...TEXT, 'content-length': bytes.length }).end(bytes);
  },
  gzip_206: (response, question) => {
    const zipped = gzipSync(question.bytes.subarray(question.fromByte ?? 0));
    const headers = { 'content-encoding': 'gzip', 'content-length': zipped.length };
    if (headOf(response, question, () => headers) !== undefined) response.end(zipped);
  },
  chunked_no_length: (response, question) => {
    const tail = headOf(response, question, () => ({}));
    if (tail === undefined) return;
    const half = tail.length >> 1;
    response.write(tail.subarray(0, half));
    response.end(tail.subarray(half));
  },
  err_500_json: json(500, '{"e":1}'),
  err_404_json: json(404, '{"e":1}'),
  html_200: (response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-length': PAGE.length }).end(PAGE);
  },
} as const satisfies Record<string, FileAnswer>;

export const FILE_TROUBLE = {
  'breaks off in the middle': (response, question) => {
    const tail = headOf(response, question, (length) => ({ 'content-length': length }));
    if (tail === undefined) return;
    response.write(tail.subarray(0, tail.length >> 1), () => response.socket?.destroy());
  },
  'is silent': () => undefined,
  'is silent in the middle': (response, question) => {
    const tail = headOf(response, question, (length) => ({ 'content-length': length }));
    response.write(tail?.subarray(0, tail.length >> 1) ?? '');
  },
  'has less than was promised': (response, { bytes, fromByte }) => {
    range206(response, { bytes: bytes.subarray(0, bytes.length >> 1), fromByte });
  },
} as const satisfies Record<string, FileAnswer>;

export const SLOW: FileAnswer = (response, question) => {
  const tail = headOf(response, question, (length) => ({ 'content-length': length }));
  if (tail !== undefined) void writeSlowly(response, tail);
};

async function writeSlowly(response: ServerResponse, tail: Buffer): Promise<void> {
  const step = Math.ceil(tail.length / SLOW_PIECES);
  for (let from = 0; from < tail.length; from += step) {
    response.write(tail.subarray(from, from + step));
    await new Promise((resolve) => setTimeout(resolve, SLOW_PIECE_EVERY_MS));
  }
  response.end();
}

/** Writes the head of a right answer; gives the bytes it announces, or ends it where there are none. */
function headOf(
  response: ServerResponse,
  { bytes, fromByte }: FileQuestion,
  headers: (length: number) => Record<string, string | number>,
): Buffer | undefined {
  if (fromByte === undefined) {
    response.writeHead(200, { ...TEXT, ...headers(bytes.length) });
    return bytes;
  }
  if (fromByte >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}`, 'content-length': 0 }).end();
    return undefined;
  }
  const range = `bytes ${fromByte}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(206, { ...TEXT, 'content-range': range, ...headers(bytes.length - fromByte) });
  return bytes.subarray(fromByte);
}

export type ManifestAnswer = (response: ServerResponse) => void;

export const MANIFEST_REFUSAL = {
  401: json(401, '{"error":"nothing with a number in it"}'),
  403: json(403, '{"error":"forbidden"}'),
} as const satisfies Record<number, ManifestAnswer>;

/** After each of these nothing is known that was not known before. */
export const MANIFEST_TROUBLE = {
  'status 500': json(500, '{"e":1}'),
  'status 404': json(404, '{"list_1":{}}'),
  'status 429': json(429, '{}'),
  'a 500 that tells of 401': json(500, '{"error":"401 Unauthorized"}'),
  'HTML with 200': (response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
  },
  'an array': json(200, '[]'),
  'a text': json(200, '"{}"'),
  null: json(200, 'null'),
  'a list that is no object': json(200, '{"list_1":"no object"}'),
  'a list that is an array': json(200, '{"list_1":[]}'),
  'half of JSON': json(200, '{"list_1":{"name":"list_1","si'),
  'no body': json(200, ''),
  'a lost connection': (response) => {
    response.socket?.destroy();
  },
  silence: () => undefined,
} as const satisfies Record<string, ManifestAnswer>;

export function json(status: number, text: string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) }).end(text);
  };
}
