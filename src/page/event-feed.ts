// Listens to the proxy's stream of events for as long as the page is open, and connects again where it ends.
import { Refused, type Api } from './api.js';
import type { Cancel, PageClock } from './clock.js';
import { EventParser, type ServerEvent } from './event-parser.js';
import { inBackground } from './in-background.js';

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** The proxy says something at least every half minute. */
const SILENCE_MS_MAX = 75_000;

/** `denied`: this token may not listen; it stays so until there is another. */
export type FeedState = 'connecting' | 'live' | 'denied';

interface Listener {
  readonly event: (event: ServerEvent) => void;
  readonly state: (state: FeedState) => void;
}

export class EventFeed {
  readonly #api: Api;
  readonly #clock: PageClock;
  readonly #listener: Listener;
  #lastEventId = '';
  #failures = 0;
  #connection: AbortController | undefined;
  #cancelRetry: Cancel = () => undefined;

  constructor(api: Api, clock: PageClock, listener: Listener) {
    this.#api = api;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Until `connect` is called again. */
  pause(): void {
    this.#cancelRetry();
    this.#connection?.abort();
    this.#connection = undefined;
  }

  /** Connects, or connects anew. */
  async connect(): Promise<void> {
    this.pause();
    const connection = new AbortController();
    this.#connection = connection;
    this.#listener.state('connecting');
    const why = await this.#listen(connection).catch((error: unknown) => error);
    // Another one has taken its place.
    if (this.#connection !== connection) return;
    connection.abort();
    if (why instanceof Refused && (why.asksForToken || why.status === 403)) {
      this.#listener.state('denied');
      return;
    }
    this.#listener.state('connecting');
    this.#failures += 1;
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
    this.#cancelRetry = this.#clock.after(delayMs * between(0.5, 1), () => {
      inBackground(this.connect());
    });
  }

  /** Returns when the stream has ended. */
  async #listen(connection: AbortController): Promise<undefined> {
    const response = await this.#api.events(this.#lastEventId, connection.signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    parser.lastEventId = this.#lastEventId;
    this.#listener.state('live');
    for (;;) {
      const cancel = this.#clock.after(SILENCE_MS_MAX, () => {
        connection.abort();
      });
      const piece = await reader?.read().finally(cancel);
      if (piece?.value === undefined) return undefined;
      this.#failures = 0;
      for (const event of parser.take(piece.value)) this.#listener.event(event);
      this.#lastEventId = parser.lastEventId;
    }
  }
}

/** So that the pages of a whole room do not come back at the same moment. */
function between(least: number, most: number): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return least + (most - least) * (random / 2 ** 32);
}
