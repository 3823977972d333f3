// One request and its answer over HTTP/2, told to undici's handler as undici's own client tells HTTP/1.1.
import {
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { addAbortSignal } from 'node:stream';
import { errors, type Dispatcher } from 'undici';
import type { Clock } from '../../domain/clock.js';
import type { AnswerHandler, AnswerLimits } from './answer-handler.js';
import { AnswerWatch } from './answer-watch.js';
import { declaredBytes, toRawHeaders, toRequestHeaders } from './h2-headers.js';

/** What the session that lends a stream is told of it. */
export interface Lender {
  /** Something came from the other side. */
  heard(): void;
  /** The stream is given back, once. */
  ended(exchange: H2Exchange): void;
}

/** An origin that refuses one request this often does not do so for a moment only. */
const REFUSALS_MAX = 5;

export class H2Exchange {
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: AnswerHandler;
  readonly #watch: AnswerWatch;
  readonly #sendAgain: () => void;
  #stream: ClientHttp2Stream | undefined;
  /** While it has a stream. */
  #lender: Lender | undefined;
  #refusals = 0;
  #isRefused = false;
  #isOver = false;
  #isOverdue = false;
  #hasHead = false;
  #declaredBytes: number | undefined;
  #bytes = 0;

  /** `sendAgain`: called where the origin refused the request without looking at it. */
  constructor(
    clock: Clock,
    options: Dispatcher.DispatchOptions,
    handler: AnswerHandler,
    limits: AnswerLimits,
    sendAgain: (exchange: H2Exchange) => void,
  ) {
    this.#options = options;
    this.#handler = handler;
    this.#watch = new AnswerWatch(clock, limits, (error) => {
      this.#giveUp(error);
    });
    this.#sendAgain = () => {
      sendAgain(this);
    };
  }

  /** Aborts when nobody waits for the answer any more. undici hands it on, though its types do not say so. */
  get signal(): AbortSignal | undefined {
    return (this.#options as { readonly signal?: AbortSignal }).signal;
  }

  /** The origin did not look at it, and said so. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** It was given up because nothing came for it. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** For an origin that turns out to speak HTTP/1.1 only. */
  handOver(client: Dispatcher): void {
    client.dispatch(this.#options, this.#handler as Dispatcher.DispatchHandler);
  }

  /** Takes a stream of `session`, unless the request was given up before; `lender` is told when it is given back. */
  send(session: ClientHttp2Session, origin: URL, lender: Lender): boolean {
    const { body } = this.#options;
    this.#stream = undefined;
    this.#isRefused = false;
    this.#handler.onConnect((reason) => {
      this.#giveUp(reason ?? new errors.RequestAbortedError());
    });
    if (this.#isOver) return false;
    const hasBody = body instanceof Uint8Array;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(toRequestHeaders(this.#options, origin), { endStream: !hasBody });
    } catch (error) {
      this.fail(error as Error);
      return false;
    }
    this.#stream = stream;
    this.#lender = lender;
    this.#listen(stream);
    if (hasBody) stream.end(body);
    this.#watch.awaitHead();
    return true;
  }

  /** The other side said that it looks at no stream above this one. */
  refuseAbove(lastStreamId: number): void {
    if (!this.#hasHead) this.#isRefused = (this.#stream?.id ?? 0) > lastStreamId;
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
    this.#handler.onError(error);
  }

  /** Gives the stream back, whose end nobody has to wait for. */
  #leave(): void {
    this.#watch.end();
    const lender = this.#lender;
    this.#lender = undefined;
    lender?.ended(this);
  }

  #listen(stream: ClientHttp2Stream): void {
    let failure: Error | undefined;
    stream.on('response', (headers) => {
      this.#lender?.heard();
      if (!this.#isOver) this.#takeHead(stream, headers);
    });
    stream.on('error', (error: Error) => {
      failure = error;
    });
    stream.once('close', () => {
      if (this.#saysRefused(stream)) this.#isRefused = true;
      const code = 'ERR_HTTP2_STREAM_ERROR';
      this.#lose(
        failure ?? Object.assign(new Error(`stream closed with ${String(stream.rstCode)}`), { code }),
      );
    });
  }

  #saysRefused({ rstCode }: ClientHttp2Stream): boolean {
    if (this.#hasHead) return false;
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
    // Node's servers say so when they have no memory for another answer; whether it was looked at matters to a POST only.
    return rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM && this.#options.method === 'GET';
  }

  #takeHead(stream: ClientHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#hasHead = true;
    // A GOAWAY is told before a head that came just before it: the other side did look at this request.
    this.#isRefused = false;
    this.#declaredBytes = stream.endAfterHeaders ? undefined : declaredBytes(headers);
    this.#watch.awaitBody();
    const resume = (): void => {
      this.#watch.resume();
      stream.resume();
    };
    // Not before: the head is told a tick later than it came, and what came with it would be told first.
    stream.on('data', (piece: Buffer) => {
      this.#lender?.heard();
      if (!this.#isOver) this.#takePiece(stream, piece);
    });
    stream.on('end', () => {
      if (!this.#isOver) this.#takeEnd(stream);
    });
    const status = Number(headers[':status']);
    if (this.#handler.onHeaders(status, toRawHeaders(headers), resume, '') === false) this.#pause(stream);
  }

  #takePiece(stream: ClientHttp2Stream, piece: Buffer): void {
    this.#bytes += piece.length;
    this.#watch.heard();
    if (!this.#handler.onData(piece)) this.#pause(stream);
  }

  #pause(stream: ClientHttp2Stream): void {
    this.#watch.pause();
    stream.pause();
  }

  /** Node ends streams that were cut short in the same way: those with a code are left to their `close`. */
  #takeEnd(stream: ClientHttp2Stream): void {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    if (this.#declaredBytes !== undefined && this.#bytes !== this.#declaredBytes) {
      this.#giveUp(new errors.ResponseContentLengthMismatchError());
      return;
    }
    this.#isOver = true;
    this.#leave();
    // An answer to a request that was not read to its end.
    if (!stream.writableFinished) cancel(stream);
    this.#handler.onComplete([]);
  }

  /** By our own decision. */
  #giveUp(error: Error): void {
    this.#isOverdue = !this.#hasHead || error instanceof errors.BodyTimeoutError;
    this.fail(error);
    if (this.#stream !== undefined) cancel(this.#stream);
  }

  /** By the other side's. */
  #lose(error: Error): void {
    if (this.#isOver) return;
    this.#lender?.heard();
    if (!this.#isRefused || this.#refusals >= REFUSALS_MAX) {
      this.fail(error);
      return;
    }
    this.#refusals += 1;
    this.#leave();
    this.#sendAgain();
  }
}

/** At once: `close` would wait until what was written is sent, which a window that stays shut prevents. */
function cancel(stream: ClientHttp2Stream): void {
  // Destroying is CANCEL to the other side only with the error that this brings.
  addAbortSignal(AbortSignal.abort(), stream);
}
