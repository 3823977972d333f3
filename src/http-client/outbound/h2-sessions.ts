// The HTTP/2 sessions to one origin (a second when the first is full or closing), and the requests that wait for a stream.
import type { H2Exchange } from './h2-exchange.js';
import type { H2Session } from './h2-session.js';
import { onAbort } from '../request-signal.js';

const SESSIONS_MAX = 2;

/** Resolves with undefined if the origin does not speak HTTP/2; the caller then takes over the waiting requests. */
export type OpenSession = (onChange: () => void) => Promise<H2Session | undefined>;

export class H2Sessions {
  readonly #open: OpenSession;
  /** Includes retired sessions until their last stream has ended. */
  readonly #sessions = new Set<H2Session>();
  readonly #waiting = new Map<H2Exchange, () => void>();
  #isOpening = false;

  constructor(open: OpenSession) {
    this.#open = open;
  }

  send(exchange: H2Exchange): void {
    const session = this.#withRoom();
    if (session === undefined) this.#wait(exchange);
    else session.send(exchange);
  }

  /** Removes and returns all requests that wait for a stream. */
  takeWaiting(): H2Exchange[] {
    return [...this.#waiting.keys()].map((exchange) => this.#leave(exchange));
  }

  /** Each session closes when its streams have ended. */
  retire(): void {
    for (const session of this.#sessions) session.retire();
  }

  destroy(error: Error): void {
    for (const exchange of this.takeWaiting()) exchange.fail(error);
    for (const session of this.#sessions) session.destroy(error);
  }

  #usable(): H2Session[] {
    return [...this.#sessions].filter(({ isUsable }) => isUsable);
  }

  #withRoom(): H2Session | undefined {
    return this.#usable().find(({ room }) => room > 0);
  }

  #wait(exchange: H2Exchange): void {
    const { signal } = exchange;
    const giveUp = (): void => {
      this.#leave(exchange).fail(signal?.reason as Error);
    };
    this.#waiting.set(exchange, signal === undefined ? () => undefined : onAbort(signal, giveUp));
    this.#openAnother();
  }

  #leave(exchange: H2Exchange): H2Exchange {
    this.#waiting.get(exchange)?.();
    this.#waiting.delete(exchange);
    return exchange;
  }

  #openAnother(): void {
    if (this.#isOpening || this.#usable().length >= SESSIONS_MAX) return;
    this.#isOpening = true;
    const onChange = (): void => {
      this.#serve();
    };
    this.#open(onChange).then(
      (session) => {
        this.#isOpening = false;
        if (session !== undefined) this.#sessions.add(session);
        this.#serve();
      },
      (error: unknown) => {
        this.#isOpening = false;
        // The waiting requests can still get a stream on the other session.
        if (this.#usable().length > 0) return;
        for (const exchange of this.takeWaiting()) exchange.fail(error as Error);
      },
    );
  }

  /** Call after any session has changed. */
  #serve(): void {
    for (const session of this.#sessions) {
      if (session.isClosed) this.#sessions.delete(session);
    }
    for (const exchange of this.#waiting.keys()) {
      const session = this.#withRoom();
      if (session === undefined) {
        this.#openAnother();
        return;
      }
      session.send(this.#leave(exchange));
    }
  }
}
