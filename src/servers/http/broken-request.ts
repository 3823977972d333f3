// What becomes of a connection whose request is not HTTP, too large, or too slow: told so where that can be told, and closed.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, type ErrorReason } from './error-reply.js';
import type { OpenConnection } from './open-connections.js';

const { STATUS_CODES } = process.getBuiltinModule('node:http');
/** Request line and headers together. */
export const HEADER_BYTES_MAX = 16_384;

/**
 * The client is gone; or it began with HTTP/2 without TLS, as some SDKs do to find out, and goes on with HTTP/1.1 where the
 * connection ends without a word.
 */
const QUIET: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'HPE_PAUSED_H2_UPGRADE']);

/** Writes nothing into an answer under way. `connection` is undefined once it has closed. */
export function endBrokenRequest(
  { code }: Error & { readonly code?: string },
  socket: Socket,
  connection: OpenConnection | undefined,
): void {
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A balancer's spare connection is idle, not slow: it has the time that idle ones have.
  if (isLate && socket.bytesRead === 0) return;
  if (connection === undefined || !socket.writable || QUIET.has(code)) {
    socket.destroy();
    return;
  }
  const { unanswered, lastRequest } = connection;
  if (lastRequest === undefined || lastRequest.complete) {
    // The fault is in what follows all requests so far.
    if (unanswered.size === 0) refuse(code, socket);
    else connection.endWhenAnswered();
    return;
  }
  // It is in the body of the last one.
  const [first] = unanswered;
  const isUntold = first?.req === lastRequest && !first.headersSent;
  if (isUntold) refuse(code, socket);
  else socket.destroy();
}

/** Does not wait for the other side: a client that goes on sending would keep the connection, and what it sent, for ever. */
function refuse(code: string | undefined, socket: Socket): void {
  // An answer that its client does not read: it would not read this one either.
  if (socket.writableLength > 0) {
    socket.destroy();
    return;
  }
  const body = errorBody(...toReason(code));
  const text = JSON.stringify(body);
  socket.write(
    `HTTP/1.1 ${body.code} ${STATUS_CODES[body.code] ?? ''}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
  socket.destroySoon();
}

function toReason(code: string | undefined): [ErrorReason, string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['header_too_large', `Request line and headers are larger than ${HEADER_BYTES_MAX} bytes.`];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['request_timeout', 'The request took too long to arrive.'];
    default:
      return ['request_invalid', 'This is not HTTP/1.1.'];
  }
}

/** `Expect` with anything but 100-continue, which Node answers without a body. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body = errorBody('expectation_failed', 'Expect may be 100-continue and nothing else.');
  const text = JSON.stringify(body);
  response.writeHead(body.code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
