// A request of the fast lane and its answer, as events speak of them.
import type { Exchange } from '../answered-request.js';
import type { PreparedAnswer } from './prepared-answer.js';
import type { RequestHead } from './request-head.js';

export interface FoundAnswer {
  readonly answer: PreparedAnswer;
  /** The route without the place of the key in it. */
  readonly path: string;
  readonly sdkKey: string;
}

export class LaneExchange implements Exchange {
  readonly isProbe = false;
  readonly method = 'GET';
  readonly status = 200;
  readonly path: string;
  readonly sdkKey: string;
  readonly latencyMs: number;
  readonly #head: RequestHead;
  readonly #answer: PreparedAnswer;

  constructor(head: RequestHead, { answer, path, sdkKey }: FoundAnswer, latencyMs: number) {
    this.path = path;
    this.sdkKey = sdkKey;
    this.latencyMs = latencyMs;
    this.#head = head;
    this.#answer = answer;
  }

  header(name: string): string | undefined {
    return this.#head.header(name);
  }

  answerHeader(name: string): string | number | undefined {
    return name === 'content-length' ? this.#answer.bodyBytes : this.#answer.headers[name];
  }
}
