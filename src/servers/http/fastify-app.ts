// A fastify instance with this project's limits and its one shape of errors; it is given its connections.
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../../observability/logger.js';
import type { Accept } from '../listener/listening-port.js';
import { addBodyParser, RefusedBody } from './body-parser.js';
import { answerExpectation, endBrokenRequest, HEADER_BYTES_MAX } from './broken-request.js';
import { cutConnection } from './cut-connection.js';
import { errorBody, sendError, type ErrorBody } from './error-reply.js';
import { OpenConnections } from './open-connections.js';
import type { BodyRoom } from './request-body.js';
import { toRoute } from './route-path.js';

/** Without a byte in either direction: longer than the longest upstream fetch, so that no waiting client is cut off. */
export const SOCKET_IDLE_MS_MAX = 75_000;

export interface HttpTimeouts {
  /** How long an idle connection stays open: longer than a load balancer's, which must be the one to close it. */
  readonly keepAliveMs: number;
  /** Between a request's first byte and the end of its headers: slow senders are cut off. */
  readonly headersMs: number;
  /** Between a request's first byte and its last. */
  readonly requestMs: number;
  /** How often the two above are looked at. */
  readonly checkMs: number;
}

/** What strangers can use up. */
export interface HttpBounds {
  readonly bodies: BodyRoom;
  readonly timeouts: HttpTimeouts;
  /** Below this path any answer would be taken for a file: what cannot be served there is cut off. */
  readonly filePath?: string;
}

/** Routes and what answers them. */
export interface HttpApp {
  readonly app: FastifyInstance;
  /** To be awaited before the first connection. */
  ready(): Promise<void>;
  /** Speaks HTTP/1.1 on a connection. */
  readonly accept: Accept;
  /** Closes connections that wait for no answer; to be called again until none is left. */
  closeIdle(): void;
}

export function buildFastifyApp(
  clock: Clock,
  log: Logger,
  { bodies, timeouts, filePath }: HttpBounds,
): HttpApp {
  const app = Fastify({
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    logger: false,
    keepAliveTimeout: timeouts.keepAliveMs,
    requestTimeout: timeouts.requestMs,
    connectionTimeout: SOCKET_IDLE_MS_MAX,
    routerOptions: { maxParamLength: HEADER_BYTES_MAX },
    // Not by the router's own options: later readers of `url` have to see the same path.
    rewriteUrl: ({ url = '' }) => toRoute(url),
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: timeouts.headersMs,
      connectionsCheckingInterval: timeouts.checkMs,
      // Node would answer without a body, and nothing here needs the header.
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => {
      endBrokenRequest(error, socket, open.of(socket));
    },
    frameworkErrors: (error, request, reply) => {
      if (filePath !== undefined && request.url.startsWith(filePath)) cutConnection(reply);
      else sendError(reply, toErrorBody(error));
    },
  });
  const open = new OpenConnections(app.server, clock, bodies, timeouts.keepAliveMs);
  app.server.on('checkExpectation', answerExpectation);
  // Where no route reads it, what a body says is of no interest: nothing of it is kept.
  addBodyParser(app, bodies, () => undefined);
  app.setNotFoundHandler((_request, reply) =>
    sendError(reply, errorBody('not_found', 'No such route: see docs/endpoints.md.')),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // fastify ends the connection after a body that it did not read; HTTP/2 has no such header, and Node warns of it.
    if (request.raw.httpVersionMajor > 1) reply.removeHeader('connection');
    if (error instanceof RefusedBody) return sendError(reply, error.body, error.retryAfterS);
    const body = toErrorBody(error);
    // The route's pattern, not the URL: that holds the key.
    if (body.code === 500)
      log.error({ err: error, route: request.routeOptions.url }, 'a request failed here');
    return sendError(reply, body);
  });
  return {
    app,
    ready: async () => {
      await app.ready();
      // It has no port of its own, and looks after the timeouts of its connections only once it hears of one.
      app.server.emit('listening');
    },
    accept: open.accept.bind(open),
    closeIdle: open.closeIdle.bind(open),
  };
}

/** No route here has one. fastify would load its compilers for them at the start: 220 modules. */
function noSchemas(): never {
  throw new Error('a route has a schema');
}

function toErrorBody(error: FastifyError): ErrorBody {
  switch (error.code) {
    case 'FST_ERR_BAD_URL':
      return errorBody('request_invalid', 'The path is not a valid URL path.');
    default:
      return (error.statusCode ?? 500) < 500
        ? errorBody('request_invalid', 'Malformed request.')
        : errorBody('internal_error', 'A fault of this proxy: its log says more.');
  }
}
