// Every open stream of this process: how many there may be, which keys they belong to, their orderly end, and the calls that wait for a place.
import { FairPlaces } from '../domain/fair-places.js';
import { Listeners } from '../domain/listeners.js';
import type { Cancel, Clock } from '../domain/clock.js';
import type { Gauge } from '../observability/gauges.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { ClientStream } from './client-stream.js';

export interface StreamRegistryOptions {
  readonly streamsMax: number;
}

/** Calls that may wait for a first spec, beyond as many as there may be streams. */
const WAITING_BEYOND_STREAMS = 500;
/** Where every place to wait is taken, a stream that has waited for this long gives way to a newcomer. */
const WAIT_MS_MIN = 10_000;

/** Streams end one by one over this time. */
const SPREAD_MS = 4_000;

export interface Draining {
  /** When the last stream is ended, from now. */
  readonly overInMs: number;
  readonly cancel: Cancel;
}

interface Waiting {
  readonly stream: ClientStream;
  readonly sinceMs: number;
}

export class StreamRegistry {
  readonly #clock: Clock;
  readonly #places: FairPlaces<ClientStream>;
  /** Their keys may be invented: they take no place, and readiness does not know them. The oldest first. */
  readonly #waiting = new Set<Waiting>();
  /** Calls that are answered once. */
  #callsWaiting = 0;
  readonly #listeners = new Listeners<() => void>();
  #waitsRefused = 0;
  readonly streamsMax: number;
  readonly waitingMax: number;
  /** Streams that were not opened, as every place was taken. */
  refused = 0;
  /** Streams that were ended, as their client took nothing for too long. */
  dropped = 0;
  /** Streams that were ended to give their place to another key, or to one that had not waited yet. */
  displaced = 0;
  /** Streams end, and new ones have to go to another replica. */
  isDraining = false;

  constructor(clock: Clock, options: StreamRegistryOptions) {
    this.#clock = clock;
    this.#places = new FairPlaces(options.streamsMax);
    this.streamsMax = options.streamsMax;
    this.waitingMax = options.streamsMax + WAITING_BEYOND_STREAMS;
  }

  /**
   * A call begins to wait for a spec that is not held yet; `stream` is what it will be. Returns what ends the wait, or
   * undefined where too many wait already.
   */
  wait(stream?: ClientStream): (() => void) | undefined {
    if (this.waiting >= this.waitingMax) this.#displaceLongestWaiting();
    if (this.waiting >= this.waitingMax) {
      this.#waitsRefused += 1;
      return undefined;
    }
    if (stream !== undefined) {
      const waiting = { stream, sinceMs: this.#clock.monotonicMs() };
      this.#waiting.add(waiting);
      return () => {
        this.#waiting.delete(waiting);
      };
    }
    let isWaiting = true;
    this.#callsWaiting += 1;
    return () => {
      if (isWaiting) this.#callsWaiting -= 1;
      isWaiting = false;
    };
  }

  /** Streams that are open. */
  get gauge(): Gauge {
    return { entries: this.active, entriesMax: this.streamsMax, reached: this.refused };
  }

  /** Calls that wait for a first spec. */
  get waitingGauge(): Gauge {
    return { entries: this.waiting, entriesMax: this.waitingMax, reached: this.#waitsRefused };
  }

  get waiting(): number {
    return this.#waiting.size + this.#callsWaiting;
  }

  /** Takes a place for the stream, whose key is known to be good, or returns false: then it is counted as refused. */
  add(stream: ClientStream, key: PayloadKey): boolean {
    if (this.#places.isFull) this.#displace(this.#places.giverTo(key.sdkKey));
    if (this.#places.isFull) {
      this.refused += 1;
      return false;
    }
    this.#places.add(stream, key.sdkKey);
    this.#tellChange();
    return true;
  }

  /** Frees the stream's place; returns false for a stream that has none. */
  remove(stream: ClientStream): boolean {
    if (!this.#places.remove(stream)) return false;
    this.#tellChange();
    return true;
  }

  get active(): number {
    return this.#places.size;
  }

  /** Open streams by the key itself, not masked, so that more of it can be looked up. */
  get byKey(): FairPlaces<ClientStream>['byOwner'] {
    return this.#places.byOwner;
  }

  /** Calls back whenever the number of streams changed; returns what ends that. */
  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Ends every stream, also those that wait, one after the other, so that their clients do not come back in one wave. */
  drain(clock: Clock): Draining {
    this.isDraining = true;
    const streams = [...this.#places.guests, ...[...this.#waiting].map(({ stream }) => stream)];
    const spreadMs = streams.length > 1 ? SPREAD_MS : 0;
    const cancels = streams.map((stream, index) =>
      clock.schedule((index * spreadMs) / streams.length, () => {
        stream.end('draining');
      }),
    );
    return {
      overInMs: spreadMs,
      cancel: () => {
        for (const cancel of cancels) cancel();
      },
    };
  }

  #displaceLongestWaiting(): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined || this.#clock.monotonicMs() - oldest.sinceMs < WAIT_MS_MIN) return;
    this.#waiting.delete(oldest);
    this.#displace(oldest.stream);
  }

  /** The opener of the stream frees its place as it ends. */
  #displace(stream: ClientStream | undefined): void {
    if (stream === undefined) return;
    this.displaced += 1;
    stream.end('displaced');
  }

  #tellChange(): void {
    this.#listeners.tell((listener) => {
      listener();
    });
  }
}
