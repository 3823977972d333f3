// The connections of HTTP/2 clients: how fast each may start calls, and the end of idle ones.
import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { ConnectionPlace } from '../listener/connection-limit.js';
import type { LimitReports } from './limit-reports.js';

/** A connection without an open call is closed after this. The HTTP server has the same for sockets without a byte. */
const IDLE_MS_MAX = 75_000;
/** Calls that a connection may start per second. A proxy that joins many SDKs into one connection starts fewer. */
const CALLS_PER_S_MAX = 1_000;

/** Codes of the errors by which Node closes a connection itself. */
const BROKEN_PROTOCOL: ReadonlySet<string> = new Set([
  'ERR_HTTP2_ERROR',
  'ERR_HTTP2_TOO_MANY_INVALID_FRAMES',
]);

export interface ClientConnectionsOptions {
  /** Calls that a connection may start at once, beyond those of a second: streams come together with it. */
  readonly callsAtOnce: number;
}

interface Connection {
  readonly session: Http2Session;
  readonly socket: Socket;
  readonly place: ConnectionPlace;
  /** Calls it may start without waiting, as of `countedAtMs`. */
  callsAllowed: number;
  countedAtMs: number;
  callsOpen: number;
  cancelIdle: Cancel;
}

export class ClientConnections {
  readonly #clock: Clock;
  readonly #reports: LimitReports;
  readonly #callsAllowedMax: number;
  readonly #connections = new Map<Http2Session, Connection>();

  constructor(clock: Clock, reports: LimitReports, options: ClientConnectionsOptions) {
    this.#clock = clock;
    this.#reports = reports;
    this.#callsAllowedMax = CALLS_PER_S_MAX + options.callsAtOnce;
  }

  /** Lets the server speak HTTP/2 on a connection. */
  accept(server: Http2Server, socket: Socket, place: ConnectionPlace): void {
    if (socket.destroyed) return;
    // Emitted before `emit` returns.
    server.once('session', (session) => {
      this.#open(session, socket, place);
    });
    server.emit('connection', socket);
  }

  /** Begins a call on its connection; returns false, and closes the connection, where it started too many. */
  begin(stream: ServerHttp2Stream): boolean {
    const { session } = stream;
    const connection = session && this.#connections.get(session);
    if (connection === undefined || !this.#mayStart(connection)) {
      if (session === undefined || session.destroyed) return false;
      this.#reports.tell('callRate');
      session.destroy(new Error('too many calls'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
      // The session alone would wait for a client that reads nothing. Its last frame goes out first.
      setImmediate(() => {
        connection?.socket.destroy();
      });
      return false;
    }
    connection.callsOpen += 1;
    connection.cancelIdle();
    connection.place.begin();
    stream.once('close', () => {
      connection.callsOpen -= 1;
      connection.place.end();
      if (connection.callsOpen === 0) this.#closeWhenIdle(connection);
    });
    return true;
  }

  /** A spec was found for the key of this call: its client is known. */
  prove(stream: Pick<ServerHttp2Stream, 'session'> | undefined): void {
    const session = stream?.session;
    if (session !== undefined) this.#connections.get(session)?.place.prove();
  }

  /** Asks every client to go once its calls have ended. */
  close(): void {
    for (const session of this.#connections.keys()) session.close();
  }

  #open(session: Http2Session, socket: Socket, place: ConnectionPlace): void {
    const connection = {
      session,
      socket,
      place,
      callsAllowed: this.#callsAllowedMax,
      countedAtMs: this.#clock.monotonicMs(),
      callsOpen: 0,
      cancelIdle: () => undefined,
    };
    this.#connections.set(session, connection);
    this.#closeWhenIdle(connection);
    session.on('error', (error: Error & { readonly code?: string }) => {
      if (error.code !== undefined && BROKEN_PROTOCOL.has(error.code)) this.#reports.tell('protocol');
    });
    socket.once('close', () => {
      connection.cancelIdle();
      this.#connections.delete(session);
    });
  }

  /** What a connection may start grows with time, up to the most it may start at once. */
  #mayStart(connection: Connection): boolean {
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - connection.countedAtMs) * CALLS_PER_S_MAX) / 1_000;
    connection.callsAllowed = Math.min(connection.callsAllowed + earned, this.#callsAllowedMax) - 1;
    connection.countedAtMs = nowMs;
    return connection.callsAllowed >= 0;
  }

  #closeWhenIdle(connection: Connection): void {
    const { session, socket } = connection;
    if (socket.destroyed || session.destroyed) return;
    connection.cancelIdle = this.#clock.schedule(IDLE_MS_MAX, () => {
      this.#reports.count('idleTime');
      session.close();
    });
  }
}
