// One request and its response over HTTP/2: calls undici's handler the way undici's own client does for HTTP/1.1.
import {
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { addAbortSignal } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../domain/clock.js';
import type { AnswerHandler, AnswerLimits } from './answer-handler.js';
import { AnswerWatch } from './answer-watch.js';
import { declaredBytes, toRawHeaders, toRequestHeaders } from './h2-headers.js';
import { errors } from './undici.js';
import type { RequestSignal } from '../request-signal.js';

/** Callbacks to the session that lends a stream. */
export interface Lender {
  /** The peer sent something. */
  heard(): void;
  /** The stream is returned. Called once. */
  ended(exchange: H2Exchange): void;
}

/** After this many refusals of one request the origin is not just busy for a moment. */
const REFUSALS_MAX = 5;

export class H2Exchange {
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: AnswerHandler;
  readonly #watch: AnswerWatch;
  readonly #sendAgain: () => void;
  #stream: ClientHttp2Stream | undefined;
  /** Set while the request has a stream. */
  #lender: Lender | undefined;
  #refusals = 0;
  #isRefused = false;
  #isOver = false;
  #isOverdue = false;
  #hasHead = false;
  #declaredBytes: number | undefined;
  #bytes = 0;

  /** `sendAgain`: called if the origin refused the request without processing it. */
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

  /** Aborts once nothing waits for the response. undici passes it on, although its types do not say so. */
  get signal(): AbortSignal | RequestSignal | undefined {
    return (this.#options as { readonly signal?: AbortSignal | RequestSignal }).signal;
  }

  /** The origin said that it did not process the request. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** The request timed out. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** Used when the origin turns out to speak only HTTP/1.1. */
  handOver(client: Dispatcher): void {
    client.dispatch(this.#options, this.#handler as Dispatcher.DispatchHandler);
  }

  /** Opens a stream on `session`, unless the request was aborted before. `lender` is called when the stream is returned. */
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

  /** The peer processes no stream above this one. */
  refuseAbove(lastStreamId: number): void {
    if (!this.#hasHead) this.#isRefused = (this.#stream?.id ?? 0) > lastStreamId;
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
    this.#handler.onError(error);
  }

  /** Returns the stream without waiting for its end. */
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
    // Node's servers send this code when they have no memory for another response. The request may have been processed, which is
    // harmless for a GET.
    return rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM && this.#options.method === 'GET';
  }

  #takeHead(stream: ClientHttp2Stream, headers: IncomingHttpHeaders): void {
    this.#hasHead = true;
    // Node reports a GOAWAY before the headers that arrived just ahead of it: the peer did process this request.
    this.#isRefused = false;
    this.#declaredBytes = stream.endAfterHeaders ? undefined : declaredBytes(headers);
    this.#watch.awaitBody();
    const resume = (): void => {
      this.#watch.resume();
      stream.resume();
    };
    // Not earlier: Node emits the headers one tick late, so data that arrived with them would be emitted first.
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

  /** Node also emits `end` for streams that were cut short: the `close` handler deals with those that have an error code. */
  #takeEnd(stream: ClientHttp2Stream): void {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    if (this.#declaredBytes !== undefined && this.#bytes !== this.#declaredBytes) {
      this.#giveUp(new errors.ResponseContentLengthMismatchError());
      return;
    }
    this.#isOver = true;
    this.#leave();
    // The origin responded without reading the whole request.
    if (!stream.writableFinished) cancel(stream);
    this.#handler.onComplete([]);
  }

  /** Ends the request from our side. */
  #giveUp(error: Error): void {
    this.#isOverdue = !this.#hasHead || error instanceof errors.BodyTimeoutError;
    this.fail(error);
    if (this.#stream !== undefined) cancel(this.#stream);
  }

  /** The peer or the connection ended the stream. */
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

/** Ends the stream at once: `close` would first wait for written data to be sent, which a closed window prevents. */
function cancel(stream: ClientHttp2Stream): void {
  // Only an AbortError makes `destroy` send CANCEL to the peer.
  addAbortSignal(AbortSignal.abort(), stream);
}
