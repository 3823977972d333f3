// Every connection to one origin: HTTP/2 or HTTP/1.1, as the origin chooses by ALPN on the first of them.
import { setMaxListeners, type EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type { Cancel, Clock } from '../../domain/clock.js';
import { asPromise, type Connect, type ConnectTarget } from './connect.js';
import { connectionAgeMs } from './connection-age.js';
import { createH1Pool, type H1Options } from './h1-pool.js';
import type { AnswerHandler } from './answer-handler.js';
import { H2Exchange } from './h2-exchange.js';
import { H2Session } from './h2-session.js';
import { H2Sessions } from './h2-sessions.js';
import { within } from '../../network/time-limit.js';
import { Dispatcher as AnyDispatcher, errors, type Pool } from './undici.js';

export interface OriginClientOptions extends H1Options {
  /** For everything up to where a request can be sent: addresses, an outbound proxy, TLS. */
  readonly connectTimeoutMs: number;
  /** What a connection that took longer fails with. */
  readonly late: () => Error;
  /** Changes a request for the server at the other end. Default: unchanged. */
  readonly reword?: (request: Dispatcher.DispatchOptions) => Dispatcher.DispatchOptions;
}

/** undici's agents use it like one of undici's own pools. They drop it when its last connection is closed. */
export class OriginClient extends AnyDispatcher {
  readonly #clock: Clock;
  readonly #origin: URL;
  readonly #connect: Connect;
  readonly #options: OriginClientOptions;
  readonly #closing = new AbortController();
  readonly #h2: H2Sessions;
  /** Where HTTP/1.1 is spoken; undefined for HTTP/2, and until the first connection has told. */
  #h1: Pool | undefined;
  readonly #retired = new Set<Pool>();
  /** The connection that told, to be used by the first request over HTTP/1.1. */
  #spare: Socket | undefined;
  #connections = 0;
  #cancelAge: Cancel = () => undefined;

  constructor(clock: Clock, origin: URL, connect: Connect, options: OriginClientOptions) {
    super();
    this.#clock = clock;
    this.#origin = origin;
    this.#connect = connect;
    this.#options = options;
    // As many connections may be on their way as there are requests.
    setMaxListeners(0, this.#closing.signal);
    this.#h2 = new H2Sessions((onChange) => this.#openH2(onChange));
    if (origin.protocol === 'http:') this.#h1 = this.#createH1();
  }

  override dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const options = this.#options.reword?.(request) ?? request;
    if (this.#h1 !== undefined) return this.#h1.dispatch(options, handler);
    const sendAgain = (exchange: H2Exchange): void => {
      this.#h2.send(exchange);
    };
    const answerHandler = handler as AnswerHandler;
    this.#h2.send(new H2Exchange(this.#clock, options, answerHandler, this.#options, sendAgain));
    return true;
  }

  /** One connection over HTTP/1.1 was dead, or all of them may be old: what comes next gets new ones. */
  distrust(): void {
    if (this.#h1 === undefined) return;
    this.#retire(this.#h1);
    this.#h1 = this.#createH1();
  }

  /** What is in flight ends first. */
  override async close(): Promise<void> {
    this.#cancelAge();
    this.#h2.retire();
    await Promise.all(this.#pools().map((pool) => pool.close()));
  }

  override async destroy(reason?: Error | null | (() => void)): Promise<void> {
    const error = reason instanceof Error ? reason : new errors.ClientDestroyedError();
    this.#cancelAge();
    this.#closing.abort(error);
    this.#h2.destroy(error);
    await Promise.all(this.#pools().map((pool) => pool.destroy(error)));
  }

  #pools(): Pool[] {
    return [...(this.#h1 === undefined ? [] : [this.#h1]), ...this.#retired];
  }

  #createH1(): Pool {
    this.#cancelAge();
    this.#cancelAge = this.#clock.schedule(connectionAgeMs(), () => {
      this.distrust();
    });
    return createH1Pool(this.#clock, this.#origin, this.#options, (target, callback) => {
      this.#connectH1(target).then(
        (socket) => {
          callback(null, socket);
        },
        (error: unknown) => {
          callback(error as Error, null);
        },
      );
    });
  }

  #retire(pool: Pool): void {
    this.#retired.add(pool);
    // Its only error is that it was destroyed meanwhile.
    const forget = (): boolean => this.#retired.delete(pool);
    pool.close().then(forget, forget);
  }

  async #connectH1(target: ConnectTarget): Promise<Socket> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined && !spare.destroyed) return spare;
    const socket = await this.#inTime((signal) => this.#open(target, signal));
    if (speaksH2(socket)) {
      socket.destroy();
      if (this.#h1 !== undefined) this.#retire(this.#h1);
      this.#h1 = undefined;
      // A lost connection is tried once more: over HTTP/2 then.
      throw Object.assign(new Error('HTTP/2 where HTTP/1.1 was spoken before'), { code: 'ECONNRESET' });
    }
    return socket;
  }

  async #openH2(onChange: () => void): Promise<H2Session | undefined> {
    const { host, hostname, protocol, port } = this.#origin;
    const target = { host, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), protocol, port };
    return await this.#inTime(async (signal) => {
      const socket = await this.#open(target, signal);
      if (!speaksH2(socket)) {
        this.#speakH1(socket);
        return undefined;
      }
      const { idleConnectionMs } = this.#options;
      const session = await H2Session.open(
        this.#clock,
        this.#origin,
        socket,
        idleConnectionMs,
        onChange,
        signal,
      );
      // Beside its socket, which closes before its requests have failed and are sent again.
      this.#count(1);
      const isClosed = (): void => {
        this.#count(-1);
      };
      session.closed.then(isClosed, isClosed);
      return session;
    });
  }

  #speakH1(socket: Socket): void {
    const waiting = this.#h2.takeWaiting();
    this.#h1 ??= this.#createH1();
    this.#spare = socket;
    for (const exchange of waiting) exchange.handOver(this.#h1);
    // No request waits any more.
    if (waiting.length === 0) socket.destroy();
  }

  async #inTime<Result>(run: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { connectTimeoutMs, late } = this.#options;
    return await within(this.#clock, connectTimeoutMs, late, this.#closing.signal, run);
  }

  async #open(target: ConnectTarget, signal: AbortSignal): Promise<Socket> {
    this.#count(1);
    try {
      const socket = await asPromise(this.#connect, { ...target, signal });
      if (signal.aborted) socket.destroy();
      if (socket.destroyed) throw new errors.SocketError('closed while it was opened');
      socket.once('close', () => {
        this.#count(-1);
      });
      // An alert of TLS, as to whom the certificate that was shown is refused in TLS 1.3, leaves the socket open: the end
      // that follows would pass for the reason.
      socket.once('error', (error) => socket.destroy(error));
      return socket;
    } catch (error) {
      this.#count(-1);
      throw error;
    }
  }

  #count(change: 1 | -1): void {
    this.#connections += change;
    if (change === 1 && this.#connections === 1) this.#tell('connect');
    if (change === 1) return;
    // Later, because the request that lost this connection may open another at once.
    setImmediate(() => {
      if (this.#connections === 0) this.#tell('disconnect');
    });
  }

  /** Its own events are typed for listeners only. */
  #tell(this: EventEmitter & OriginClient, event: 'connect' | 'disconnect'): void {
    this.emit(event, this.#origin, [this]);
  }
}

function speaksH2(socket: Socket): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
}
