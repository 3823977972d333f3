// Where the bytes of a request come from: a connection of its own, or a stream among others of one connection.
import type { IncomingMessage } from 'node:http';
import { Http2ServerRequest, type ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';

export function sourceOf(request: IncomingMessage): Readable {
  return streamOf(request) ?? request.socket;
}

/** Undefined for HTTP/1.1. */
export function streamOf(request: IncomingMessage): ServerHttp2Stream | undefined {
  return (request as object) instanceof Http2ServerRequest
    ? (request as unknown as Http2ServerRequest).stream
    : undefined;
}
