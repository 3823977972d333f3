// A fastify instance with this project's limits and its one shape of errors; builds, never listens.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { endLostAnswers } from './lost-answers.js';
import { keepUnsentAnswers } from './unsent-answers.js';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Logger } from '../../observability/logger.js';
import { cutConnection } from './cut-connection.js';
import { FILE_PATH } from '../../id-lists/manifest-directory.js';
import { errorBody, sendError, type ErrorBody, type ErrorReason } from './error-reply.js';

/** Request line and headers together. */
const HEADER_BYTES_MAX = 16_384;
/** Bodies are `{"sinceTime": n, "statsigMetadata": {…}}`. */
const BODY_BYTES_MAX = 65_536;
/** Between a request's first byte and the end of its headers: slow senders are cut off. */
const HEADERS_TIMEOUT_MS = 15_000;
/** Between a request's first byte and its last. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Without a byte in either direction: longer than the longest upstream fetch, so that nobody who waits is cut off. */
const SOCKET_IDLE_MS_MAX = 75_000;
/** How often the timeouts above are looked at. */
const TIMEOUT_CHECK_MS = 5_000;

export interface HttpLimits {
  /** How long an idle connection stays open: longer than a load balancer's, which must be the one to close it. */
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
}

export function buildFastifyApp(log: Logger, limits: HttpLimits): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SOCKET_IDLE_MS_MAX,
    // Draining answers what still comes on open connections, and closes each after its answer.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: HEADER_BYTES_MAX },
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Node would answer without a body, and nothing here needs the header.
      requireHostHeader: false,
    },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      if (request.url.startsWith(FILE_PATH)) cutConnection(reply);
      else void sendError(reply, toErrorBody(error));
    },
  });
  app.server.maxConnections = limits.connectionsMax;
  keepUnsentAnswers(app.server);
  endLostAnswers(app.server);
  app.server.on('checkExpectation', answerExpectation);
  app.removeAllContentTypeParsers();
  // Whatever it is called: some SDKs send JSON without saying so.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendError(reply, errorBody('not_found', 'No such route: see docs/endpoints.md.')),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const body = toErrorBody(error);
    // The route's pattern, not the URL: that holds the key.
    if (body.code === 500)
      log.error({ err: error, route: request.routeOptions.url }, 'a request failed here');
    return sendError(reply, body);
  });
  return app;
}

function toErrorBody(error: FastifyError): ErrorBody {
  switch (error.code) {
    case 'FST_ERR_BAD_URL':
      return errorBody('request_invalid', 'The path is not a valid URL path.');
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return errorBody('body_too_large', `The body is larger than ${BODY_BYTES_MAX} bytes.`);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return errorBody('body_invalid', 'The body is shorter than its Content-Length.');
    default:
      return (error.statusCode ?? 500) < 500
        ? errorBody('request_invalid', 'The request makes no sense to this server.')
        : errorBody('internal_error', 'A fault of this proxy: its log says more.');
  }
}

/** `Expect` with anything but 100-continue, which Node answers without a body. */
function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body = errorBody('expectation_failed', 'Expect may be 100-continue and nothing else.');
  const text = JSON.stringify(body);
  response.writeHead(body.code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** Answers what is not even HTTP, or comes too slowly or too large to become a request. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const body = errorBody(...toBrokenReason(error.code));
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${body.code} ${STATUS_CODES[body.code] ?? ''}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

function toBrokenReason(code: string | undefined): [ErrorReason, string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['header_too_large', `Request line and headers are larger than ${HEADER_BYTES_MAX} bytes.`];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['request_timeout', 'The request took too long to arrive.'];
    default:
      return ['request_invalid', 'This is not HTTP/1.1.'];
  }
}
