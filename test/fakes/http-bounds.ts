// Bounds of an HTTP server that is tested for something else: wide, but for what a test narrows.
import { FILE_PATH } from '../../src/protocols/statsig/id-lists/file-id.js';
import type { HttpBounds, HttpTimeouts } from '../../src/servers/http/fastify-app.js';
import { BodyRoom } from '../../src/servers/http/request-body.js';

const MIB = 1024 * 1024;

export interface Narrowed {
  readonly bodiesBytesMax?: number;
  readonly timeouts?: Partial<HttpTimeouts>;
}

export function httpBounds({ bodiesBytesMax = 64 * MIB, timeouts = {} }: Narrowed = {}): HttpBounds {
  return {
    bodies: new BodyRoom(bodiesBytesMax),
    timeouts: { keepAliveMs: 60_000, headersMs: 15_000, requestMs: 30_000, checkMs: 5_000, ...timeouts },
    filePath: FILE_PATH,
  };
}
