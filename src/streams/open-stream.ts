// Opens a stream over any wire: subscribed before the first payload is read, in its place once that is there, cleaned up once.
import type { Asker, Reading } from '../core/reader.js';
import type { HeldPayload } from '../core/payload-store.js';
import type { FeedListener } from '../core/update-feed.js';
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { Logger } from '../observability/logger.js';
import { ClientStream, type ClientStreamOptions, type StreamEnd, type StreamSink } from './client-stream.js';
import type { StreamRegistry } from './stream-registry.js';

/** What a stream needs of the core. */
export interface StreamSource {
  read(key: PayloadKey, asker: Asker): Reading | Promise<Reading>;
  subscribe(key: PayloadKey, listener: FeedListener): () => void;
  keepWhileStreamed(sdkKey: string): () => void;
}

/** The client at the other end of a wire. */
export interface StreamClient extends Asker {
  /** Calls back when the client is gone, or the stream has ended. */
  onGone(listener: () => void): void;
  /** A place was taken: the stream is open from now on. */
  opened(): void;
  /** An open stream has ended, and its place is free. `why`: the reason it was ended for; undefined where its client is gone. */
  closed(why: StreamEnd | undefined): void;
}

/** What became of it. Where it is neither `opened` nor `gone`, the wire has to refuse its client. */
export type Opening =
  | { readonly kind: 'opened' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'no-place' }
  | { readonly kind: 'not-held'; readonly reading: Exclude<Reading, { readonly kind: 'held' }> };

/** Between attempts to read a spec that is not held, however soon a remembered failure expires. */
const LOOK_AGAIN_MS_MIN = 100;

const TOO_MANY_WAIT: Reading = {
  kind: 'unavailable',
  cause: 'too_many_cold_fetches',
  detail: '',
  retryAfterMs: 1_000,
};

export class StreamOpener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #source: StreamSource;
  readonly #registry: StreamRegistry;
  readonly #options: ClientStreamOptions;

  constructor(
    clock: Clock,
    log: Logger,
    source: StreamSource,
    registry: StreamRegistry,
    options: ClientStreamOptions,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#source = source;
    this.#registry = registry;
    this.#options = options;
  }

  /** `sinceTime`: the version that the client holds, 0 for none. Never rejects. */
  async open(
    { key, sinceTime }: { readonly key: PayloadKey; readonly sinceTime: number },
    sink: StreamSink,
    client: StreamClient,
  ): Promise<Opening> {
    let isFinished = false;
    const pause = new Pause(this.#clock);
    const finish = (why?: StreamEnd): void => {
      // Once by us, and once more when the client is gone after that.
      if (isFinished) return;
      isFinished = true;
      stream.close();
      pause.cut();
      unsubscribe();
      release();
      if (why === 'stalled') this.#registry.dropped += 1;
      if (this.#registry.remove(stream)) client.closed(why);
    };
    const endingSink: StreamSink = {
      prepare: (held: HeldPayload) => sink.prepare(held),
      send: sink.send.bind(sink),
      end: (why) => {
        finish(why);
        sink.end(why);
      },
    };
    const stream = new ClientStream(this.#clock, this.#log, endingSink, this.#options);
    const unsubscribe = this.#source.subscribe(key, {
      updated: (held) => {
        stream.offer(held);
        pause.cut();
      },
      removed: () => {
        stream.end('refused');
      },
    });
    const release = this.#source.keepWhileStreamed(key.sdkKey);
    client.onGone(() => {
      finish();
    });
    stream.waitForFirst(sinceTime);
    const reading = await this.#firstReading(key, client, stream, pause);
    if (stream.hasEnded) return { kind: 'gone' };
    if (reading.kind !== 'held') {
      finish();
      return { kind: 'not-held', reading };
    }
    if (!this.#registry.add(stream, key)) {
      finish();
      return { kind: 'no-place' };
    }
    client.opened();
    stream.open(reading.held, sinceTime);
    return { kind: 'opened' };
  }

  /** For a call that is answered once. What is not known yet is waited for, unless too many clients do so already. */
  async read(key: PayloadKey, client: Pick<StreamClient, 'ip' | 'onGone'>): Promise<Reading> {
    const reading = this.#source.read(key, client);
    if (!(reading instanceof Promise)) return reading;
    return await this.#whileWaiting(client, undefined, () => reading);
  }

  /** A failure may pass, and a client that was refused for it would come back later than this looks again. */
  async #firstReading(
    key: PayloadKey,
    client: StreamClient,
    stream: ClientStream,
    pause: Pause,
  ): Promise<Reading> {
    const first = this.#source.read(key, client);
    if (!(first instanceof Promise) && !mayPass(first)) return first;
    return await this.#whileWaiting(client, stream, async () => {
      const isWaiting = (): boolean => !stream.hasEnded;
      let reading = await first;
      while (mayPass(reading) && isWaiting()) {
        await pause.take(Math.max(reading.retryAfterMs, LOOK_AGAIN_MS_MIN));
        if (isWaiting()) reading = await this.#source.read(key, client);
      }
      return reading;
    });
  }

  async #whileWaiting(
    client: Pick<StreamClient, 'ip' | 'onGone'>,
    stream: ClientStream | undefined,
    wait: () => Promise<Reading>,
  ): Promise<Reading> {
    const endWait = this.#registry.wait(stream);
    if (endWait === undefined) return TOO_MANY_WAIT;
    client.onGone(endWait);
    try {
      return await wait();
    } finally {
      endWait();
    }
  }
}

/** Not a refusal of the origin, nor a limit that an operator has set. */
function mayPass(reading: Reading): reading is Extract<Reading, { readonly kind: 'unavailable' }> {
  return reading.kind === 'unavailable' && reading.cause !== 'sdk_keys_limit_reached';
}

/** One wait at a time that can be cut short. */
class Pause {
  readonly #clock: Clock;
  #end: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(durationMs, resolve);
      this.#end = () => {
        cancel();
        resolve();
      };
    });
  }

  cut(): void {
    this.#end();
  }
}
