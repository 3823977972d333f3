// What clients may hold of an HTTP/2 server before they are answered: calls open, and the size and time of a request.
import { constants, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { Gauge } from '../../observability/gauges.js';
import { CallTurns } from './call-turns.js';
import type { ClientConnections } from './client-connections.js';
import type { Http2Limit, LimitReports } from './limit-reports.js';
import { gatherRequest, tellEnd } from './request-gathering.js';

/** As over HTTP/1.1. */
export const HEADER_BYTES_MAX = 16_384;

export interface CallLimitsOptions {
  /** Calls open at one time, over all connections. */
  readonly callsMax: number;
  /** From a call's headers to the end of its request. */
  readonly requestMs: number;
  /** Of requests that are gathered before anybody reads them. Left out: whoever answers bounds what it takes in. */
  readonly gatheredBytesMax?: number;
  /** Whether calls of this path are answered at once: one that is still open has a client that does not read. */
  readonly isAnsweredAtOnce?: (path: string | undefined) => boolean;
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

export class CallLimits {
  readonly #clock: Clock;
  readonly #connections: ClientConnections;
  readonly #reports: LimitReports;
  readonly #options: CallLimitsOptions;
  readonly #turns = new CallTurns();
  readonly #calls = new Set<ServerHttp2Stream>();
  /** Calls whose request has not ended, with what ends the wait for it. */
  readonly #arriving = new Map<ServerHttp2Stream, Cancel>();
  /** Calls that a newer one takes the place of, the oldest first: those, and answers that should have been taken. */
  readonly #yielding = new Set<ServerHttp2Stream>();

  constructor(
    clock: Clock,
    connections: ClientConnections,
    reports: LimitReports,
    options: CallLimitsOptions,
  ) {
    this.#clock = clock;
    this.#connections = connections;
    this.#reports = reports;
    this.#options = options;
  }

  get gauge(): Gauge {
    const reached = this.#reports.counts.callsOpen;
    return { entries: this.#calls.size, entriesMax: this.#options.callsMax, reached };
  }

  /** From now on, whatever answers the calls of this server gets only those within the limits. */
  guard(server: Http2Server): void {
    const answers = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', (stream, headers, ...rest) => {
      if (!this.#admit(stream, headers)) return;
      this.#turns.take(() => {
        if (stream.closed || stream.destroyed) return;
        for (const answer of answers) answer.call(server, stream, headers, ...rest);
      });
    });
  }

  #admit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    // A reset by the client is an error too; `close` reports the end.
    stream.on('error', () => undefined);
    if (!this.#connections.begin(stream)) return false;
    if (bytesOf(headers) > HEADER_BYTES_MAX) {
      this.#cut(stream, 'requestBytes', constants.NGHTTP2_ENHANCE_YOUR_CALM);
      return false;
    }
    if (this.#calls.size >= this.#options.callsMax) {
      // Requests arrive within moments, and short answers leave within moments.
      const [oldest = stream] = this.#yielding;
      this.#cut(oldest, 'callsOpen', constants.NGHTTP2_REFUSED_STREAM);
      if (oldest === stream) return false;
    }
    this.#calls.add(stream);
    stream.once('close', () => {
      this.#forget(stream);
    });
    const isShort = this.#options.isAnsweredAtOnce?.(headers[':path']) ?? false;
    if (isShort || !stream.endAfterHeaders) this.#yielding.add(stream);
    if (!stream.endAfterHeaders) this.#waitForRequest(stream, isShort);
    return true;
  }

  #waitForRequest(stream: ServerHttp2Stream, isShort: boolean): void {
    const { requestMs, gatheredBytesMax } = this.#options;
    const cancel = this.#clock.schedule(requestMs, () => {
      this.#cut(stream, 'requestTime', constants.NGHTTP2_CANCEL);
    });
    this.#arriving.set(stream, cancel);
    const ended = (): void => {
      this.#arrived(stream);
      if (!isShort) this.#yielding.delete(stream);
    };
    if (gatheredBytesMax === undefined) {
      tellEnd(stream, ended);
      return;
    }
    gatherRequest(stream, gatheredBytesMax, {
      ended,
      tooLarge: () => {
        this.#cut(stream, 'requestBytes', constants.NGHTTP2_ENHANCE_YOUR_CALM);
      },
    });
  }

  #arrived(stream: ServerHttp2Stream): void {
    this.#arriving.get(stream)?.();
    this.#arriving.delete(stream);
  }

  #forget(stream: ServerHttp2Stream): void {
    this.#arrived(stream);
    this.#yielding.delete(stream);
    this.#calls.delete(stream);
  }

  #cut(stream: ServerHttp2Stream, limit: Http2Limit, code: number): void {
    // Told for every limit of this kind alike: see the watch over gauges.
    if (limit === 'callsOpen') this.#reports.count(limit);
    else this.#reports.tell(limit);
    this.#forget(stream);
    stream.close(code);
    // What waits for the client's window would keep it open.
    stream.destroy();
  }
}

function bytesOf(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const [name, value = ''] of Object.entries(headers)) bytes += name.length + value.length;
  return bytes;
}
