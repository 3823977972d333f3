// The sessions to one origin: one, a second where that has no stream left or is going away, and who waits for a stream.
import type { H2Exchange } from './h2-exchange.js';
import type { H2Session } from './h2-session.js';

const SESSIONS_MAX = 2;

/** What was opened; undefined where the origin speaks something else, and whoever waits is taken care of. */
export type OpenSession = (onChange: () => void) => Promise<H2Session | undefined>;

export class H2Sessions {
  readonly #open: OpenSession;
  /** Those that take no more streams included, until they are closed by their last one. */
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

  /** Everybody who waits for a stream waits no more. */
  takeWaiting(): H2Exchange[] {
    return [...this.#waiting.keys()].map((exchange) => this.#leave(exchange));
  }

  /** Each closes when its streams are ended. */
  retire(): void {
    for (const session of this.#sessions) session.retire();
  }

  destroy(error: Error): void {
    for (const exchange of this.takeWaiting()) exchange.fail(error);
    for (const session of this.#sessions) session.destroy(error);
  }

  #ofUse(): H2Session[] {
    return [...this.#sessions].filter(({ isOfUse }) => isOfUse);
  }

  #withRoom(): H2Session | undefined {
    return this.#ofUse().find(({ room }) => room > 0);
  }

  #wait(exchange: H2Exchange): void {
    const { signal } = exchange;
    const giveUp = (): void => {
      this.#leave(exchange).fail(signal?.reason as Error);
    };
    signal?.addEventListener('abort', giveUp);
    this.#waiting.set(exchange, () => {
      signal?.removeEventListener('abort', giveUp);
    });
    this.#openAnother();
  }

  #leave(exchange: H2Exchange): H2Exchange {
    this.#waiting.get(exchange)?.();
    this.#waiting.delete(exchange);
    return exchange;
  }

  #openAnother(): void {
    if (this.#isOpening || this.#ofUse().length >= SESSIONS_MAX) return;
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
        // Otherwise they wait for a stream of the other session.
        if (this.#ofUse().length > 0) return;
        for (const exchange of this.takeWaiting()) exchange.fail(error as Error);
      },
    );
  }

  /** After a change of any session. */
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
