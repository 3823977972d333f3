// An origin over TLS and HTTP/2 that leaves, refuses, resets or falls silent exactly where a test wants it to.
import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { makeCertificate, type Certificate } from './certificate.js';

export interface H2Request {
  /** Streams before it since the start. */
  readonly index: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface H2Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export type H2Handler = (request: H2Request) => H2Answer | Promise<H2Answer>;

/**
 * What becomes of one stream. `before`: nothing of the answer was sent; `during`: its head and the first half of its body
 * were; `after`: all of it was.
 *
 * - `goaway-*`: the session says that it is going away (NO_ERROR), and finishes this stream.
 * - `goaway-error-*`: the same with INTERNAL_ERROR; the stream is left as it is.
 * - `goaway-unprocessed`: it names a last stream below this one, which it therefore never touches; the first stream of a
 *   session is refused beside that.
 * - `refuse`: RST_STREAM with REFUSED_STREAM, which says that nothing was done.
 * - `reset-*`: RST_STREAM with INTERNAL_ERROR; `cancel-during`: with CANCEL; `stop-during`: with NO_ERROR.
 * - `destroy-session-*`: the session ends at once; `destroy-socket-*`: its TCP connection is reset.
 * - `silence-*`: nothing more comes on this stream, while the session lives.
 */
export type H2Fault =
  | `goaway-${'before' | 'during' | 'after'}`
  | `goaway-error-${'before' | 'during'}`
  | 'goaway-unprocessed'
  | 'refuse'
  | `reset-${'before' | 'during'}`
  | 'cancel-during'
  | 'stop-during'
  | `destroy-session-${'before' | 'during'}`
  | `destroy-socket-${'before' | 'during'}`
  | `silence-${'before' | 'during'}`;

export const H2_FAULTS: readonly H2Fault[] = [
  'goaway-before',
  'goaway-during',
  'goaway-after',
  'goaway-error-before',
  'goaway-error-during',
  'goaway-unprocessed',
  'refuse',
  'reset-before',
  'reset-during',
  'cancel-during',
  'stop-during',
  'destroy-session-before',
  'destroy-session-during',
  'destroy-socket-before',
  'destroy-socket-during',
  'silence-before',
  'silence-during',
];

export interface H2OriginOptions {
  /** Answers every stream that no fault strikes; 200 with an empty body where left out. */
  readonly handler?: H2Handler;
  /** SETTINGS sent to every client, as `maxConcurrentStreams`, or `initialWindowSize: 0` for a window that stays shut. */
  readonly settings?: Settings;
  /** A new one where left out. */
  readonly certificate?: Certificate;
  /** HTTP/1.1 is offered too where true, by the same server. */
  readonly allowHTTP1?: boolean;
}

/** A connection from a client, its other half towards the TLS server, and what that made of it. */
interface Relay {
  readonly client: Socket;
  readonly server: Socket;
  session: ServerHttp2Session | undefined;
}

export class H2Origin {
  /** Decides per stream; nothing goes wrong while it is undefined. */
  fault: ((request: Omit<H2Request, 'body'>) => H2Fault | undefined) | undefined;
  handler: H2Handler;
  readonly caPem: string;
  readonly #tls: Http2SecureServer;
  /** Clients connect here, so that bytes can be swallowed below TLS. */
  readonly #front: Server;
  readonly #relays = new Set<Relay>();
  /** What the TLS server has accepted and not closed: a session that ended in the middle of something may leave its socket open. */
  readonly #accepted = new Set<Socket>();
  #sessions = 0;
  #sessionsPeak = 0;
  #streams = 0;
  #streamsOpen = 0;
  #streamsPeak = 0;
  #waiting: { isReached: () => boolean; resolve: () => void }[] = [];

  private constructor(options: H2OriginOptions) {
    const { keyPem, certificatePem } = options.certificate ?? makeCertificate();
    this.caPem = certificatePem;
    this.handler = options.handler ?? (() => ({ status: 200 }));
    const { settings = {}, allowHTTP1 = false } = options;
    this.#tls = createSecureServer({ key: keyPem, cert: certificatePem, settings, allowHTTP1 });
    this.#tls.on('connection', (socket: Socket) => {
      this.#accepted.add(socket);
      socket.once('close', () => this.#accepted.delete(socket));
    });
    this.#tls.on('session', (session) => {
      this.#addSession(session);
    });
    this.#tls.on('stream', (stream, headers) => {
      void this.#take(stream, headers);
    });
    // A client that hangs up in its handshake is no fault of the test.
    this.#tls.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    this.#front = createServer((client) => {
      this.#relay(client);
    });
  }

  static async listen(options: H2OriginOptions = {}): Promise<H2Origin> {
    const origin = new H2Origin(options);
    for (const server of [origin.#tls, origin.#front]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return origin;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  get port(): number {
    return (this.#front.address() as AddressInfo).port;
  }

  /** Sessions since the start. */
  get sessions(): number {
    return this.#sessions;
  }

  /** By their connections, as Node does not tell of every session's end. */
  get sessionsOpen(): number {
    return [...this.#relays].filter(({ session }) => session !== undefined).length;
  }

  /** Most sessions that were open at one time. */
  get sessionsPeak(): number {
    return this.#sessionsPeak;
  }

  /** TCP connections that are open, whatever became of their sessions. */
  get connectionsOpen(): number {
    return this.#relays.size;
  }

  /** Streams since the start. */
  get streams(): number {
    return this.#streams;
  }

  get streamsOpen(): number {
    return this.#streamsOpen;
  }

  /** Most streams that were open at one time, over all sessions. */
  get streamsPeak(): number {
    return this.#streamsPeak;
  }

  /** Resolves as soon as `isReached` says so; it is asked after every change of a counter. */
  async until(isReached: () => boolean): Promise<void> {
    if (isReached()) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ isReached, resolve });
    });
  }

  /** Every open session says that it is going away, and finishes its streams. */
  goaway(): void {
    for (const session of this.#liveSessions()) session.goaway(constants.NGHTTP2_NO_ERROR);
  }

  /** Changes what clients have to keep to, on the open sessions too. */
  change(settings: Settings): void {
    this.#tls.updateSettings(settings);
    for (const session of this.#liveSessions()) session.settings(settings);
  }

  /** A dead peer: no byte passes on the connections that are open now, in either direction, PINGs and ends included. */
  swallow(): void {
    for (const { client, server } of this.#relays) {
      client.unpipe(server);
      server.unpipe(client);
      // Read, so that nothing tells the client that its bytes are not taken.
      client.resume();
      server.resume();
    }
  }

  /** Every open connection ends, or is reset, before this returns. */
  hangUp(isReset: boolean): void {
    for (const { client } of this.#relays) {
      if (isReset) client.resetAndDestroy();
      else client.destroy();
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#front, 'close');
    this.#front.close();
    // Its own event may never come, once a session was destroyed in the middle of something.
    this.#tls.close();
    for (const { client } of this.#relays) client.destroy();
    await closed;
    for (const socket of this.#accepted) socket.destroy();
  }

  #liveSessions(): readonly ServerHttp2Session[] {
    return [...this.#relays].flatMap(({ session }) =>
      session === undefined || session.destroyed ? [] : [session],
    );
  }

  #relay(client: Socket): void {
    const server = connect((this.#tls.address() as AddressInfo).port, '127.0.0.1');
    const relay: Relay = { client, server, session: undefined };
    this.#relays.add(relay);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true);
      one.pipe(other);
      // A connection that breaks is what this is for.
      one.on('error', () => undefined);
      one.once('close', () => {
        other.destroy();
        // By hand, as a server's session that sent GOAWAY and then sees the end of its input stays for ever.
        relay.session?.destroy();
        this.#relays.delete(relay);
        this.#changed();
      });
    }
  }

  #addSession(session: ServerHttp2Session): void {
    session.on('error', () => undefined);
    const relay = this.#relayOf(session);
    if (relay === undefined) {
      session.destroy();
      return;
    }
    relay.session = session;
    this.#sessions += 1;
    this.#sessionsPeak = Math.max(this.#sessionsPeak, this.sessionsOpen);
    this.#changed();
  }

  /** Undefined where the client has hung up meanwhile. */
  #relayOf(session: Http2Session): Relay | undefined {
    const { remotePort } = session.socket;
    return [...this.#relays].find(({ server }) => server.localPort === remotePort);
  }

  async #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const request = {
      index: this.#streams,
      method: String(headers[':method']),
      path: String(headers[':path']),
      headers,
    };
    this.#streams += 1;
    this.#streamsOpen += 1;
    this.#streamsPeak = Math.max(this.#streamsPeak, this.#streamsOpen);
    stream.on('error', () => undefined);
    stream.once('close', () => {
      this.#streamsOpen -= 1;
      this.#changed();
    });
    this.#changed();
    const fault = this.fault?.(request);
    if (fault !== undefined && !fault.endsWith('-during') && !fault.endsWith('-after')) {
      await this.#strike(stream, fault);
      if (fault !== 'goaway-before') return;
    }
    const body = Buffer.concat(await toArray(stream));
    const answer = await this.handler({ ...request, body });
    if (!stream.destroyed && !stream.closed) this.#send(stream, answer, fault);
  }

  #send(stream: ServerHttp2Stream, answer: H2Answer, fault: H2Fault | undefined): void {
    const body = Buffer.from(answer.body ?? '');
    stream.respond({ ':status': answer.status, ...answer.headers });
    if (fault?.endsWith('-during') === true) {
      const half = Math.floor(body.length / 2);
      stream.write(body.subarray(0, half), () => {
        void this.#strike(stream, fault).then(() => {
          if (fault === 'goaway-during') stream.end(body.subarray(half));
        });
      });
      return;
    }
    if (fault === 'goaway-after') {
      const { session } = stream;
      stream.once('close', () => {
        if (session?.destroyed === false) session.goaway(constants.NGHTTP2_NO_ERROR);
      });
    }
    stream.end(body);
  }

  async #strike(stream: ServerHttp2Stream, fault: H2Fault): Promise<void> {
    const { session } = stream;
    // Node 20 corrupts its memory where a session is destroyed while it reads.
    await new Promise(setImmediate);
    if (session === undefined || session.destroyed) return;
    if (fault.startsWith('destroy-socket')) this.#relayOf(session)?.client.resetAndDestroy();
    else STRIKES.find(([stem]) => fault.startsWith(stem))?.[1](stream, session);
  }

  #changed(): void {
    this.#waiting = this.#waiting.filter(({ isReached, resolve }) => {
      if (!isReached()) return true;
      resolve();
      return false;
    });
  }
}

/** What came before the stream was cut short, where it was. */
async function toArray(stream: ServerHttp2Stream): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  } catch {
    // The client gave it up.
  }
  return pieces;
}

/** By the beginnings of the faults' names; the first that fits. */
const STRIKES: readonly (readonly [string, (stream: ServerHttp2Stream, session: Http2Session) => void])[] = [
  ['goaway-unprocessed', goawayUnprocessed],
  [
    'goaway-error',
    (_stream, session) => {
      session.goaway(constants.NGHTTP2_INTERNAL_ERROR);
    },
  ],
  [
    'goaway',
    (_stream, session) => {
      session.goaway(constants.NGHTTP2_NO_ERROR);
    },
  ],
  [
    'refuse',
    (stream) => {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    },
  ],
  // `close` would end the body first, as if it were whole. `destroy` does not: its code follows from its error.
  ['reset', (stream) => stream.destroy(new Error('reset'))],
  ['cancel', (stream) => addAbortSignal(AbortSignal.abort(), stream)],
  ['stop', (stream) => stream.destroy()],
  [
    'destroy-session',
    (_stream, session) => {
      session.destroy();
    },
  ],
];

function goawayUnprocessed(stream: ServerHttp2Stream, session: Http2Session): void {
  const lastId = (stream.id ?? 0) - 2;
  // Node cannot name 0 as the last stream.
  if (lastId <= 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
  session.goaway(constants.NGHTTP2_NO_ERROR, lastId);
}
