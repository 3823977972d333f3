// GET and HEAD of an ID list's file: the bytes that were promised and asked for, or no answer at all.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FileBody } from '../id-lists/file-body.js';
import { FILE_PATH } from '../id-lists/file-id.js';
import type { AskedFile, FoundFile } from '../id-lists/manifest-directory.js';
import type { FileReading, FileWish } from '../id-lists/file-reading.js';
import type { IdListFile } from '../id-lists/id-list-file.js';
import { parseRangeHeader, parseRangeQuery, type ByteRange } from './byte-range.js';
import { namedKey } from './spec-routes.js';
import { cutConnection } from '../../../servers/http/cut-connection.js';

/** Where core and python SDKs tell the size that their manifest promised. */
const SIZE_HEADER = 'statsig-id-list-file-size';
/** A client may know a newer manifest than we do, in which the file has grown; not by more than its own size and this. */
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;
/** Of a file, between its source and the socket, for each client. */
const BUFFERED_BYTES = 65_536;

export interface IdListFileSource {
  /** Undefined for an id that nobody knows. */
  find(asked: AskedFile): Promise<FoundFile | undefined>;
  read(file: IdListFile, wish: FileWish): Promise<FileReading>;
}

/**
 * What fails closes its connection without an answer: some SDKs do not look at the status, and would take an error for
 * the list. So do all errors of these routes.
 */
export function addIdListFileRoutes(
  app: FastifyInstance,
  source: IdListFileSource,
  admits: (sdkKey: string) => boolean,
): void {
  // The first is what is left of a url that ends where the id should begin.
  for (const url of [FILE_PATH.slice(0, -1), `${FILE_PATH}*`]) {
    app.route({
      method: ['GET', 'HEAD'],
      url,
      errorHandler: (_error, _request, reply) => {
        cutConnection(reply);
      },
      handler: (request, reply) => {
        const sdkKey = namedKey(request);
        // Who names no key names a file that the manifest of a served one lists.
        const isAdmitted = sdkKey === undefined || admits(sdkKey);
        return isAdmitted ? answer(source, request, reply) : cut(reply);
      },
    });
  }
}

async function answer(
  source: IdListFileSource,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path = '', ...rest] = request.url.split('?');
  const search = rest.length === 0 ? '' : `?${rest.join('?')}`;
  const id = path.slice(FILE_PATH.length);
  const found = await source.find({ id, search, sdkKey: sdkKeyOf(request) });
  if (found === undefined) return cut(reply);
  const bytesMin = raised(found.bytesMin, request.headers[SIZE_HEADER]);
  const read = (fromByte: number): Promise<FileReading> => source.read(found.file, { fromByte, bytesMin });
  const range = rangeOf(request, search);
  if (range === undefined) return await send(reply, await read(0), undefined);
  if (range.kind === 'from') return await send(reply, await read(range.first), range);
  return await answerFromEnd(reply, read, range.kind === 'last' ? range.bytes : 0);
}

/** The last so many bytes; of 0, as of what makes no sense, only how long the file is. */
async function answerFromEnd(
  reply: FastifyReply,
  read: (fromByte: number) => Promise<FileReading>,
  bytes: number,
): Promise<FastifyReply> {
  const whole = await read(0);
  if (whole.kind === 'bytes') await letGo(whole);
  if (whole.kind === 'failed') return cut(reply);
  const { totalBytes } = whole;
  if (bytes === 0 || totalBytes === 0) return sendPastEnd(reply, totalBytes);
  const first = Math.max(0, totalBytes - bytes);
  return await send(reply, await read(first), { first, last: totalBytes - 1 });
}

type Part = Pick<Extract<ByteRange, { kind: 'from' }>, 'first' | 'last'>;

/** `asked`: what `reading` begins with; undefined for a whole file. */
async function send(
  reply: FastifyReply,
  reading: FileReading,
  asked: Part | undefined,
): Promise<FastifyReply> {
  if (reading.kind === 'failed') return cut(reply);
  const { totalBytes } = reading;
  if (reading.kind === 'past-end') return sendPastEnd(reply, totalBytes);
  const range = totalBytes === 0 ? ofEmptyFile(asked) : asked;
  const { first, last = totalBytes - 1 } = range ?? { first: 0 };
  if (range !== undefined && first >= totalBytes) {
    await letGo(reading);
    return sendPastEnd(reply, totalBytes);
  }
  const endByte = Math.min(last + 1, totalBytes);
  // Nothing between here and the SDK may keep or compress what is counted in bytes and grows. Envoy compresses
  // text/plain where it compresses at all.
  reply.header('content-type', 'application/octet-stream');
  reply.header('cache-control', 'no-store, no-transform');
  reply.header('accept-ranges', 'bytes');
  reply.header('content-length', String(endByte - first));
  if (range !== undefined) {
    reply.code(206).header('content-range', `bytes ${first}-${endByte - 1}/${totalBytes}`);
  }
  // To an answer that was lost while it waited behind others, fastify would send without an end.
  const hasBody = reply.request.method !== 'HEAD' && !reply.raw.destroyed;
  if (hasBody) return reply.send(toStream(reading.body, endByte - first));
  await letGo(reading);
  return reply.send();
}

/**
 * From its first byte on it is the whole file. Core SDKs ask like that for a new file, and for anything but a 200 keep the
 * members of the file before it, and all other lists as they are (node-core 0.23.2).
 */
function ofEmptyFile(asked: Part | undefined): Part | undefined {
  return asked?.first === 0 ? undefined : asked;
}

function sendPastEnd(reply: FastifyReply, totalBytes: number): FastifyReply {
  reply.code(416).header('content-range', `bytes */${totalBytes}`);
  return reply.header('cache-control', 'no-store').header('content-length', '0').send();
}

function cut(reply: FastifyReply): FastifyReply {
  cutConnection(reply);
  return reply;
}

async function letGo({ body }: Extract<FileReading, { kind: 'bytes' }>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

/** Reads no faster than the client; a client that leaves ends the reading. */
function toStream(body: AsyncIterable<Uint8Array>, bytes: number): Readable {
  // Not a generator: of one that has not begun, nobody hears that it is over.
  const part = new FileBody(body, bytes, () => undefined);
  return Readable.from(part, { objectMode: false, highWaterMark: BUFFERED_BYTES });
}

function rangeOf(request: FastifyRequest, search: string): ByteRange | undefined {
  const { range } = request.headers;
  // No answer has a validator that an If-Range could name, so it always means the whole file.
  if (range !== undefined)
    return request.headers['if-range'] === undefined ? parseRangeHeader(range) : undefined;
  const [asked, ...more] = new URLSearchParams(search).getAll('range');
  if (asked === undefined) return undefined;
  return more.length === 0 ? parseRangeQuery(asked) : { kind: 'invalid' };
}

function raised(promisedBytes: number, header: string | readonly string[] | undefined): number {
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) return promisedBytes;
  const bytes = Number(header);
  return bytes <= promisedBytes * 2 + GROWTH_BYTES_MAX ? Math.max(promisedBytes, bytes) : promisedBytes;
}

function sdkKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['statsig-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
