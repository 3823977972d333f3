// HTTP/2 in front of the same routes as HTTP/1.1, within the limits of connections, calls, headers and time that gRPC has.
import { constants, createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../domain/clock.js';
import type { Gauges } from '../../observability/gauges.js';
import type { Logger } from '../../observability/logger.js';
import { CallLimits, HEADER_BYTES_MAX } from '../http2/call-limits.js';
import { ClientConnections } from '../http2/client-connections.js';
import { LimitReports } from '../http2/limit-reports.js';
import type { Accept } from '../listener/listening-port.js';
import { onceBegun } from './answer-begun.js';
import { answerExpectation } from './broken-request.js';
import { SOCKET_IDLE_MS_MAX, type HttpApp } from './fastify-app.js';
import { isProbe } from './probe-routes.js';

/** On one connection: a proxy may join many SDKs into one. */
const STREAMS_MAX = 100;
/** Node counts answers that a client does not read. They are bytes that are held anyway, and clients are cut off for idling. */
const SESSION_MB_MAX = 1_000;

export interface Http2FrontOptions {
  /** Requests open at one time, over all connections. */
  readonly requestsMax: number;
  /** From a request's first byte to its last. */
  readonly requestMs: number;
}

export class Http2Front {
  readonly #connections: ClientConnections;
  readonly #reports: LimitReports;
  readonly #requests: CallLimits;
  readonly #server = createServer({
    settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX },
    maxSessionMemory: SESSION_MB_MAX,
  });

  constructor(clock: Clock, log: Logger, { app }: HttpApp, { requestsMax, requestMs }: Http2FrontOptions) {
    this.#reports = new LimitReports(clock, log, 'HTTP/2');
    this.#connections = new ClientConnections(clock, this.#reports, { callsAtOnce: STREAMS_MAX });
    this.#requests = new CallLimits(clock, this.#connections, this.#reports, {
      callsMax: requestsMax,
      requestMs,
    });
    this.#server.on('request', (request: Http2ServerRequest, answer: Http2ServerResponse) => {
      this.#prepare(request, answer);
      app.routing(...asHttp1(request, answer));
    });
    this.#server.on('checkExpectation', (request: Http2ServerRequest, answer: Http2ServerResponse) => {
      answerExpectation(...asHttp1(request, answer));
    });
    this.#requests.guard(this.#server);
  }

  get gauges(): Gauges {
    return { http2Requests: this.#requests.gauge };
  }

  /** How often clients reached which limit. */
  get limitsReached(): LimitReports['counts'] {
    return this.#reports.counts;
  }

  /** Speaks HTTP/2 on a connection. */
  readonly accept: Accept = (socket, place) => {
    this.#connections.accept(this.#server, socket, place);
  };

  /** Asks every client to go once it is answered. */
  drain(): void {
    this.#connections.close();
  }

  #prepare(request: Http2ServerRequest, answer: Http2ServerResponse): void {
    const { stream } = request;
    // Routes read the host where HTTP/1.1 has it.
    request.headers.host ??= request.authority;
    stream.setTimeout(SOCKET_IDLE_MS_MAX, () => {
      stream.close(constants.NGHTTP2_CANCEL);
    });
    onceBegun(answer, () => {
      this.#connections.prove(stream);
    });
    answer.once('finish', () => {
      if (answer.statusCode < 400 && !isProbe(request.url)) this.#connections.prove(stream);
    });
  }
}

/** Node's HTTP/2 requests and answers have what those of HTTP/1.1 have: that is what they are made for. */
function asHttp1(
  request: Http2ServerRequest,
  answer: Http2ServerResponse,
): [IncomingMessage, ServerResponse] {
  return [request, answer] as unknown as [IncomingMessage, ServerResponse];
}
