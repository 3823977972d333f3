// One HTTP/2 session: how many streams it accepts, whether its peer is alive, and how it closes.
import { connect, type ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { H2Exchange, Lender } from './h2-exchange.js';
import { connectionAgeMs } from './connection-age.js';
import { H2Connection } from './h2-connection.js';
import { errors } from './undici.js';

/**
 * While streams are open, a peer that sent nothing for this long gets a PING; after a request timed out it gets one at once.
 * If it sends nothing for as long again, it is considered dead.
 */
const PING_AFTER_MS = 3_000;
/**
 * Receive windows: undici's size for a stream, and sixteen times that for the session. Node does not charge data that a slow
 * reader leaves unread to the session's window, so it holds up no other stream.
 */
const STREAM_WINDOW_BYTES = 256 * 1024;
const SESSION_WINDOW_BYTES = 16 * STREAM_WINDOW_BYTES;

export class H2Session implements Lender {
  /** Resolves when everything on the session has ended, shortly after its socket has closed. */
  readonly closed: Promise<void>;
  readonly #clock: Clock;
  readonly #origin: URL;
  readonly #socket: Socket;
  /** The session is closed after this long without a stream. */
  readonly #idleMs: number;
  readonly #session: ClientHttp2Session;
  /** Called when the session accepts more streams than before, or stops accepting any. */
  readonly #onChange: () => void;
  readonly #exchanges = new Map<H2Exchange, number>();
  /** How many streams the peer appears to allow: its number when it refused one, plus one for each stream that ended otherwise. */
  #bearable = Infinity;
  #isRetired = false;
  /** Counts what the peer has sent. */
  #heard = 0;
  /** The value of `#heard` at the last PING. */
  #heardAtPing = -1;
  #cancelWatch: Cancel = () => undefined;
  #cancelAge: Cancel = () => undefined;

  private constructor(clock: Clock, origin: URL, socket: Socket, idleMs: number, onChange: () => void) {
    this.#clock = clock;
    this.#origin = origin;
    this.#socket = socket;
    this.#idleMs = idleMs;
    this.#onChange = onChange;
    const settings = { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES };
    const connection = new H2Connection(socket);
    this.#session = connect(origin, { createConnection: () => connection, settings });
    this.#session.on('connect', () => {
      this.#session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    });
    // Each stream reports its own error, and `close` follows.
    this.#session.on('error', () => undefined);
    this.#session.on('remoteSettings', onChange);
    this.#session.on('goaway', (_code: number, lastStreamId: number) => {
      for (const exchange of this.#exchanges.keys()) exchange.refuseAbove(lastStreamId);
      this.retire();
    });
    this.closed = new Promise((resolve) => {
      this.#session.once('close', () => {
        this.destroy();
        onChange();
        resolve();
      });
    });
  }

  /** Resolves once the peer has sent its SETTINGS. Rejects if it does not, or when `signal` aborts. */
  static async open(
    clock: Clock,
    origin: URL,
    socket: Socket,
    idleMs: number,
    onChange: () => void,
    signal: AbortSignal,
  ): Promise<H2Session> {
    const opened = new H2Session(clock, origin, socket, idleMs, onChange);
    const session = opened.#session;
    const giveUp = (): void => {
      opened.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      await new Promise<void>((resolve, reject) => {
        session.once('remoteSettings', () => {
          resolve();
        });
        session.once('error', reject);
        session.once('close', () => {
          reject(new errors.SocketError('closed before its settings came'));
        });
      });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    opened.#settle();
    opened.#cancelAge = clock.schedule(connectionAgeMs(), () => {
      opened.retire();
    });
    return opened;
  }

  /** Whether the session accepts streams, now or once others have ended. */
  get isUsable(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed;
  }

  get isClosed(): boolean {
    return this.#session.destroyed;
  }

  /** How many more streams the session accepts now. */
  get room(): number {
    if (!this.isUsable || this.#isDoubted) return 0;
    const { maxConcurrentStreams = Infinity } = this.#session.remoteSettings;
    return Math.min(maxConcurrentStreams, this.#bearable) - this.#exchanges.size;
  }

  send(exchange: H2Exchange): void {
    if (!exchange.send(this.#session, this.#origin, this)) return;
    this.#exchanges.set(exchange, this.#heard);
    if (this.#exchanges.size === 1) this.#settle();
  }

  heard(): void {
    const wasDoubted = this.#isDoubted;
    this.#heard += 1;
    if (!wasDoubted) return;
    this.#settle();
    this.#onChange();
  }

  /** Whether the peer may be dead: it got a PING and has sent nothing since. */
  get #isDoubted(): boolean {
    return this.#heard === this.#heardAtPing;
  }

  ended(exchange: H2Exchange): void {
    const heardBefore = this.#exchanges.get(exchange);
    this.#exchanges.delete(exchange);
    this.#bearable = exchange.isRefused ? Math.max(1, this.#exchanges.size) : this.#bearable + 1;
    if (exchange.isOverdue) this.#doubt();
    // No stream received anything during the whole request: the next request gets another connection without waiting for the PING.
    if (exchange.isOverdue && heardBefore === this.#heard) this.retire();
    if (this.#exchanges.size === 0) this.#settle();
    this.#onChange();
  }

  /** Stops accepting streams, and closes when the open ones have ended. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#settle();
    this.#onChange();
  }

  /** Fails all requests in flight. */
  destroy(error?: Error): void {
    this.#isRetired = true;
    this.#cancelWatch();
    this.#cancelAge();
    if (error !== undefined) {
      for (const exchange of this.#exchanges.keys()) exchange.fail(error);
    }
    // Node 20 corrupts its memory if a session is destroyed while it is reading, for example in its `goaway` event.
    setImmediate(() => {
      this.#session.destroy();
      // Otherwise the session would wait for its peer to close the connection.
      this.#socket.destroy();
    });
  }

  /** Sets the timer that fits the state: call after a change in open streams, retirement or doubt about the peer. */
  #settle(): void {
    this.#cancelWatch();
    if (this.#exchanges.size === 0 && this.#isRetired) this.destroy();
    else if (this.#exchanges.size > 0 || this.#isDoubted) this.#watchPeer();
    else {
      this.#cancelWatch = this.#clock.schedule(this.#idleMs, () => {
        this.retire();
      });
    }
  }

  #watchPeer(): void {
    const heardBefore = this.#heard;
    this.#cancelWatch = this.#clock.schedule(PING_AFTER_MS, () => {
      if (this.#heard !== heardBefore) this.#watchPeer();
      else if (this.#isDoubted) {
        this.destroy(new errors.SocketError('the other side is silent'));
        this.#onChange();
      } else this.#doubt();
    });
  }

  /** Sends a PING and accepts no more streams until the peer sends something. */
  #doubt(): void {
    if (this.#isDoubted) return;
    this.#heardAtPing = this.#heard;
    // `ping` throws on a destroyed session, which closes by itself.
    if (!this.#session.destroyed) {
      this.#session.ping((error) => {
        if (error === null) this.heard();
      });
    }
    this.#settle();
    this.#onChange();
  }
}
