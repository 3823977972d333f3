// The connections of an HTTP server and what each still has to answer; and what of that makes them worth keeping.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../domain/clock.js';
import type { ConnectionPlace } from '../listener/connection-limit.js';
import { onceBegun } from './answer-begun.js';
import { isProbe } from './probe-routes.js';
import type { BodyRoom } from './request-body.js';

/** Requests that may wait for their answers on one connection: SDKs send one at a time. */
const UNANSWERED_MAX = 16;
/** How long the body of a request may go on that was answered already: its client has this time to read the answer. */
const GOES_ON_MS_MAX = 5_000;

export class OpenConnections {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #keepAliveTimeoutMs: number;
  readonly #connections = new Map<Socket, OpenConnection>();

  /** `keepAliveTimeoutMs`: for a connection that never sent a byte. Node sees to that of others, and to all other timeouts. */
  constructor(server: Server, clock: Clock, bodies: BodyRoom, keepAliveTimeoutMs: number) {
    this.#server = server;
    this.#clock = clock;
    this.#keepAliveTimeoutMs = keepAliveTimeoutMs;
    const take = (request: IncomingMessage, answer: ServerResponse): void => {
      const connection = this.#connections.get(request.socket);
      if (connection === undefined) return;
      if (request.socket.timeout !== server.timeout) request.socket.setTimeout(server.timeout);
      connection.take(request, answer);
      if (hasBody(request)) dropUnreadBody(request, answer, bodies);
    };
    server.on('request', take);
    server.on('checkExpectation', take);
  }

  /** Lets the server speak HTTP/1.1 on a connection. */
  accept(socket: Socket, place: ConnectionPlace): void {
    const connection = new OpenConnection(socket, this.#clock, place);
    this.#connections.set(socket, connection);
    // A client that has said all it wants to say still gets its answer.
    socket.allowHalfOpen = true;
    socket.once('close', () => {
      this.#connections.delete(socket);
      connection.endLostAnswers();
    });
    this.#server.emit('connection', socket);
    // After the server, which sets the time for connections that are in use.
    socket.setTimeout(this.#keepAliveTimeoutMs);
  }

  /**
   * Node takes a connection for idle once its answer was handed over, though not yet sent: a client that reads slowly
   * would be cut off in the middle, and legacy node SDKs hang on a body shorter than its Content-Length. So none is
   * closed while any answer is unsent: to be called again until none is left.
   */
  closeIdle(): void {
    for (const socket of this.#connections.keys()) if (socket.writableLength > 0) return;
    this.#server.closeIdleConnections();
  }

  of(socket: Socket): OpenConnection | undefined {
    return this.#connections.get(socket);
  }
}

export class OpenConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #place: ConnectionPlace;
  /** In the order of their requests. */
  readonly #unanswered = new Set<ServerResponse>();
  #lastRequest: IncomingMessage | undefined;
  #isEnding = false;

  constructor(socket: Socket, clock: Clock, place: ConnectionPlace) {
    this.#socket = socket;
    this.#clock = clock;
    this.#place = place;
  }

  /** Answers that are not sent to their end, in the order of their requests. */
  get unanswered(): ReadonlySet<ServerResponse> {
    return this.#unanswered;
  }

  /** Undefined once it has arrived and was answered. */
  get lastRequest(): IncomingMessage | undefined {
    return this.#lastRequest;
  }

  take(request: IncomingMessage, answer: ServerResponse): void {
    this.#lastRequest = request;
    this.#unanswered.add(answer);
    this.#place.begin();
    onceBegun(answer, () => {
      this.#place.prove();
    });
    answer.once('close', () => {
      this.#answered(request, answer);
    });
    if (this.#unanswered.size > UNANSWERED_MAX) this.#socket.destroy();
  }

  /** Reads nothing more, and closes once everything is answered that was asked for. */
  endWhenAnswered(): void {
    this.#isEnding = true;
    if (this.#unanswered.size === 0) this.#socket.destroySoon();
    else this.#socket.pause();
  }

  /**
   * To be called when the connection has closed. Of answers that wait behind others Node tells nothing then, and whatever
   * they are made from, as the copy of a file, would be kept for them for ever.
   */
  endLostAnswers(): void {
    for (const answer of this.#unanswered) {
      // Of the one that has the socket, and of one that was sent, Node tells.
      if (answer.socket !== null || answer.writableFinished) continue;
      answer.destroy();
      answer.emit('close');
    }
  }

  #answered(request: IncomingMessage, answer: ServerResponse): void {
    this.#unanswered.delete(answer);
    // Before the end: it may be what protects the connection from now on.
    if (answer.writableFinished && answer.statusCode < 400 && !isProbe(request.url)) this.#place.prove();
    this.#place.end();
    if (request.complete && this.#lastRequest === request) this.#lastRequest = undefined;
    if (this.#socket.destroyed) return;
    if (!request.complete) this.#awaitEnd(request);
    if (this.#isEnding && this.#unanswered.size === 0) this.#socket.destroySoon();
  }

  /** A client that got its answer and goes on sending has a moment to read it. */
  #awaitEnd(request: IncomingMessage): void {
    const cancel = this.#clock.schedule(GOES_ON_MS_MAX, () => {
      if (!request.complete) this.#socket.destroy();
    });
    this.#socket.once('close', cancel);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** Left to Node, the body of a request that nobody reads is kept, piece by piece, or read in one go once it is answered. */
function dropUnreadBody(request: IncomingMessage, answer: ServerResponse, bodies: BodyRoom): void {
  if (request.method === 'GET' || request.method === 'HEAD') {
    bodies.discard(request);
    return;
  }
  answer.once('prefinish', () => {
    if (!request.complete && request.listenerCount('data') === 0) bodies.discard(request);
  });
}
