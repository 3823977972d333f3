// One HTTP/2 session: how many streams it takes, whether its peer still lives, and how it ends.
import { connect, type ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { errors } from 'undici';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { H2Exchange, Lender } from './h2-exchange.js';
import { connectionAgeMs } from './connection-age.js';

/**
 * With streams open, a peer that sent nothing for this long is sent a PING, as it is at once where a request timed out. It is
 * dead when nothing has come after as long again.
 */
const PING_AFTER_MS = 3_000;
/**
 * What may be on its way to us: as undici has it for a stream, and for the session enough for sixteen of those. Node keeps
 * what a slow reader of one stream leaves lying out of the session's window, so that no other stream waits for it.
 */
const STREAM_WINDOW_BYTES = 256 * 1024;
const SESSION_WINDOW_BYTES = 16 * STREAM_WINDOW_BYTES;

export class H2Session implements Lender {
  /** Resolves when everything on it has ended, which is a little later than its socket does. */
  readonly closed: Promise<void>;
  readonly #clock: Clock;
  readonly #origin: URL;
  readonly #socket: Socket;
  /** Without a stream for so long, it is closed. */
  readonly #idleMs: number;
  readonly #session: ClientHttp2Session;
  /** Called when it takes more streams than before, or none any more. */
  readonly #onChange: () => void;
  readonly #exchanges = new Map<H2Exchange, number>();
  /** Streams that the peer seems to bear: as many as it had when it refused one, and one more after each other end. */
  #bearable = Infinity;
  #isRetired = false;
  /** Counts what came from the other side. */
  #heard = 0;
  /** What it was when the peer was last sent a PING, and may have been dead. */
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
    // As a plain stream, so that a failed write closes it. Given the socket itself, Node writes to TLS natively: there HTTP/2
    // ignores that a write failed, TLS never finishes the next one, and nothing is read while a write is unfinished, so
    // that neither the end of the connection nor its error is ever seen.
    const connection = Duplex.from({ readable: socket, writable: socket });
    this.#session = connect(origin, { createConnection: () => connection, settings });
    this.#session.on('connect', () => {
      this.#session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    });
    // Each stream has its own, and `close` follows.
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

  /** Resolves when the peer has said how many streams it takes; rejects where it does not, and when `signal` aborts. */
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

  /** Whether it takes streams, now or when others end. */
  get isOfUse(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed;
  }

  get isClosed(): boolean {
    return this.#session.destroyed;
  }

  /** Streams that it takes now. */
  get room(): number {
    if (!this.isOfUse || this.#isDoubted) return 0;
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

  /** Whether its peer may be dead: it was sent a PING, and nothing has come from it since. */
  get #isDoubted(): boolean {
    return this.#heard === this.#heardAtPing;
  }

  ended(exchange: H2Exchange): void {
    const heardBefore = this.#exchanges.get(exchange);
    this.#exchanges.delete(exchange);
    this.#bearable = exchange.isRefused ? Math.max(1, this.#exchanges.size) : this.#bearable + 1;
    if (exchange.isOverdue) this.#doubt();
    // Nothing came on any stream all the while: it is not waited for, and the next request gets another connection.
    if (exchange.isOverdue && heardBefore === this.#heard) this.retire();
    if (this.#exchanges.size === 0) this.#settle();
    this.#onChange();
  }

  /** Takes no more streams; closes when those it has are ended. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#settle();
    this.#onChange();
  }

  /** Fails what is in flight on it. */
  destroy(error?: Error): void {
    this.#isRetired = true;
    this.#cancelWatch();
    this.#cancelAge();
    if (error !== undefined) {
      for (const exchange of this.#exchanges.keys()) exchange.fail(error);
    }
    // Node 20 corrupts its memory where a session is destroyed while it reads, as it does when it tells of a GOAWAY.
    setImmediate(() => {
      this.#session.destroy();
      // A session that ends by itself waits for its peer to close the connection too.
      this.#socket.destroy();
    });
  }

  /** After a change in whether there are streams or will be any, and whether its peer is known to live. */
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

  /** Takes no more streams until the peer is heard again. */
  #doubt(): void {
    if (this.#isDoubted) return;
    this.#heardAtPing = this.#heard;
    // One that is destroyed throws, and ends by itself.
    if (!this.#session.destroyed) {
      this.#session.ping((error) => {
        if (error === null) this.heard();
      });
    }
    this.#settle();
    this.#onChange();
  }
}
