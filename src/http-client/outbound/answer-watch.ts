// How long an answer is waited for: for its head, then for each piece of its body while its reader takes them.
import type { Cancel, Clock } from '../../domain/clock.js';
import type { AnswerHandler, AnswerLimits } from './answer-handler.js';
import { errors } from './undici.js';

export class AnswerWatch {
  readonly #clock: Clock;
  readonly #limits: AnswerLimits;
  readonly #giveUp: (error: Error) => void;
  #lastByteMs = 0;
  #isPaused = false;
  #cancel: Cancel = () => undefined;

  /** `giveUp` is called at most once per wait, with what the request fails with. */
  constructor(clock: Clock, limits: AnswerLimits, giveUp: (error: Error) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#giveUp = giveUp;
  }

  /** The request was sent. */
  awaitHead(): void {
    const { headersTimeoutMs } = this.#limits;
    this.#cancel();
    this.#cancel = this.#clock.schedule(headersTimeoutMs, () => {
      this.#giveUp(new errors.HeadersTimeoutError(`no answer within ${headersTimeoutMs} ms`));
    });
  }

  awaitBody(): void {
    this.#cancel();
    this.heard();
    this.#watchBody(this.#limits.bodyIdleTimeoutMs);
  }

  /** Of the body. */
  heard(): void {
    this.#lastByteMs = this.#clock.monotonicMs();
  }

  /** The reader takes no more for now. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.heard();
  }

  end(): void {
    this.#cancel();
  }

  #watchBody(delayMs: number): void {
    const { bodyIdleTimeoutMs } = this.#limits;
    this.#cancel = this.#clock.schedule(delayMs, () => {
      const idleMs = this.#isPaused ? 0 : this.#clock.monotonicMs() - this.#lastByteMs;
      if (idleMs < bodyIdleTimeoutMs) this.#watchBody(bodyIdleTimeoutMs - idleMs);
      else this.#giveUp(new errors.BodyTimeoutError(`no more of the body within ${bodyIdleTimeoutMs} ms`));
    });
  }
}

/** The same for a client of undici's, whose own timers run in ticks of half a second, and fire up to one early. */
export function inTime(clock: Clock, limits: AnswerLimits, handler: AnswerHandler): AnswerHandler {
  let abort: (reason?: Error) => void = () => undefined;
  const watch = new AnswerWatch(clock, limits, (error) => {
    abort(error);
  });
  return {
    onConnect: (abortRequest, ...more) => {
      abort = abortRequest;
      watch.awaitHead();
      handler.onConnect(abortRequest, ...more);
    },
    onHeaders: (status, rawHeaders, resume, statusText) => {
      const goOn = (): void => {
        watch.resume();
        resume();
      };
      // Others only announce the head.
      if (status >= 200) watch.awaitBody();
      const takesMore = handler.onHeaders(status, rawHeaders, goOn, statusText);
      if (takesMore === false) watch.pause();
      return takesMore;
    },
    onData: (piece) => {
      watch.heard();
      const takesMore = handler.onData(piece);
      if (!takesMore) watch.pause();
      return takesMore;
    },
    onComplete: (trailers) => {
      watch.end();
      handler.onComplete(trailers);
    },
    onError: (error) => {
      watch.end();
      handler.onError(error);
    },
  };
}
