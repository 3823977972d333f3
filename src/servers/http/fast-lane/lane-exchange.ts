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

/** One for all answers of the lane, each in its turn. */
export class LaneExchange implements Exchange {
  readonly isProbe = false;
  readonly method = 'GET';
  readonly status = 200;
  latencyMs = 0;
  #head!: RequestHead;
  #found!: FoundAnswer;

  of(head: RequestHead, found: FoundAnswer, latencyMs: number): this {
    this.#head = head;
    this.#found = found;
    this.latencyMs = latencyMs;
    return this;
  }

  get path(): string {
    return this.#found.path;
  }

  get sdkKey(): string {
    return this.#found.sdkKey;
  }

  header(name: string): string | undefined {
    return this.#head.header(name);
  }

  answerHeader(name: string): string | number | undefined {
    const { answer } = this.#found;
    return name === 'content-length' ? answer.bodyBytes : answer.headers[name];
  }
}
