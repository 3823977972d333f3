// In front of the HTTP server: answers what can be answered at once, and hands every other connection to Node's parser, for good.
import type { Clock } from '../../../domain/clock.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import type { Accept } from '../../listener/listening-port.js';
import type { Readiness } from '../../readiness.js';
import { AnsweredRequest } from '../answered-request.js';
import { LaneConnection } from './lane-connection.js';
import { LaneExchange, type FoundAnswer } from './lane-exchange.js';
import type { AnswerFrame, Headers } from './prepared-answer.js';
import { RequestHeadReader, type HeaderNames, type RequestHead } from './request-head.js';

/** What the lane answers from. */
export interface PreparedAnswers {
  /** The headers that an answer, or an event of it, depends on. */
  readonly names: HeaderNames;
  /** Undefined for whatever has to be fetched, made or refused, and for any request that is unusual in some way. `nowMs`: since 1970. */
  find(head: RequestHead, nowMs: number): FoundAnswer | undefined;
}

export interface FastLaneOptions {
  /** Of every answer of the server. */
  readonly headers: Headers;
  /** How long a connection waits for its next request. */
  readonly keepAliveMs: number;
  /** How long an answer waits for a client that reads nothing of it. */
  readonly idleMs: number;
}

/** These announce a body, or ask for an answer before it. */
const REFUSED = ['content-length', 'transfer-encoding', 'expect'];
const CONNECTION = 'connection';
const KEEP_ALIVE = 'keep-alive';
const MS_PER_S = 1000;

export class FastLane {
  readonly #clock: Clock;
  readonly #readiness: Readiness;
  readonly #events: ProxyEvents;
  readonly #answers: PreparedAnswers;
  readonly #handOver: Accept;
  readonly #options: FastLaneOptions;
  readonly #reader: RequestHeadReader;
  readonly #frame: AnswerFrame;
  readonly #answered = new AnsweredRequest();
  readonly #exchange = new LaneExchange();
  readonly #connections = new Set<LaneConnection>();
  #dateS = NaN;
  #date = '';

  /** `handOver` takes a connection that has sent nothing yet; what it did send is handed to it as if it came then. */
  constructor(
    clock: Clock,
    { readiness, events }: { readonly readiness: Readiness; readonly events: ProxyEvents },
    answers: PreparedAnswers,
    handOver: Accept,
    options: FastLaneOptions,
  ) {
    this.#clock = clock;
    this.#readiness = readiness;
    this.#events = events;
    this.#answers = answers;
    this.#handOver = handOver;
    this.#options = options;
    const { wanted, refused } = answers.names;
    this.#reader = new RequestHeadReader({
      wanted: [...wanted, CONNECTION],
      refused: [...refused, ...REFUSED],
    });
    const keepAliveS = Math.floor(options.keepAliveMs / MS_PER_S);
    this.#frame = {
      headers: options.headers,
      lastHeaders: { Connection: KEEP_ALIVE, 'Keep-Alive': `timeout=${keepAliveS}` },
    };
  }

  readonly accept: Accept = (socket, place) => {
    const connection = new LaneConnection(socket, place, this.#options, this.#serve, (lane, piece) => {
      this.#connections.delete(lane);
      if (piece === undefined) return;
      this.#handOver(socket, place);
      socket.unshift(piece);
    });
    this.#connections.add(connection);
  };

  /** Closes connections that wait for their next request. */
  closeIdle(): void {
    for (const connection of this.#connections) connection.closeIfIdle();
  }

  readonly #serve = (connection: LaneConnection, piece: Buffer): boolean => {
    // From then on each answer says that it is the last of its connection.
    if (this.#readiness.phase === 'draining') return false;
    const startedMs = this.#clock.monotonicMs();
    const head = this.#reader.read(piece);
    if (head === undefined || !isKeptAlive(head.header(CONNECTION))) return false;
    const nowMs = this.#clock.nowMs();
    const found = this.#answers.find(head, nowMs);
    if (found === undefined) return false;
    connection.write(found.answer.pieces(this.#frame, this.#dateOf(nowMs)), () => {
      const exchange = this.#exchange.of(head, found, this.#clock.monotonicMs() - startedMs);
      this.#events.record('HttpServerRequestSuccess', this.#answered.of(exchange));
    });
    return true;
  };

  #dateOf(nowMs: number): string {
    const nowS = Math.floor(nowMs / MS_PER_S);
    if (nowS !== this.#dateS) {
      this.#dateS = nowS;
      this.#date = new Date(nowMs).toUTCString();
    }
    return this.#date;
  }
}

/** HTTP/1.1 keeps connections, also where a client does not say so. */
function isKeptAlive(connection: string | undefined): boolean {
  return connection === undefined || connection.toLowerCase() === KEEP_ALIVE;
}
