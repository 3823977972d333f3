// Every open stream of this process: how many there may be, whose they are, and their end in good order; and who waits to be one.
import { Listeners } from '../domain/listeners.js';
import type { Cancel, Clock } from '../domain/clock.js';
import type { Gauges } from '../observability/gauges.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { ClientStream } from './client-stream.js';

export interface StreamRegistryOptions {
  readonly streamsMax: number;
}

/** Calls that may wait for a first spec, beyond as many as there may be streams. */
const WAITING_BEYOND_STREAMS = 500;

/** Streams end one by one over this time. */
const SPREAD_MS = 4_000;

export interface Draining {
  /** When the last stream is told to end, from now. */
  readonly overInMs: number;
  readonly cancel: Cancel;
}

interface Waiting {
  /** Undefined for a call that is answered once. */
  readonly stream: ClientStream | undefined;
}

export class StreamRegistry {
  readonly #streams = new Map<ClientStream, PayloadKey>();
  /** Their keys may be invented: they take no place, and readiness does not know them. */
  readonly #waiting = new Set<Waiting>();
  readonly #listeners = new Listeners<() => void>();
  readonly #perKey = new Map<string, number>();
  #waitsRefused = 0;
  readonly streamsMax: number;
  readonly waitingMax: number;
  /** Streams that were not opened, as every place was taken. */
  refused = 0;
  /** Streams that were ended, as their client took nothing for too long. */
  dropped = 0;

  constructor(options: StreamRegistryOptions) {
    this.streamsMax = options.streamsMax;
    this.waitingMax = options.streamsMax + WAITING_BEYOND_STREAMS;
  }

  /**
   * A call begins to wait for a spec that has to be fetched first; `stream` is what it will be. Returns what ends the wait,
   * or undefined where too many wait already.
   */
  wait(stream?: ClientStream): (() => void) | undefined {
    if (this.#waiting.size >= this.waitingMax) {
      this.#waitsRefused += 1;
      return undefined;
    }
    const waiting = { stream };
    this.#waiting.add(waiting);
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  get gauges(): Gauges {
    return {
      streams: { entries: this.active, entriesMax: this.streamsMax, reached: this.refused },
      callsWaitingForSpecs: {
        entries: this.#waiting.size,
        entriesMax: this.waitingMax,
        reached: this.#waitsRefused,
      },
    };
  }

  /** Takes a place for the stream, whose key is known to be good, or returns false: then it is counted as refused. */
  add(stream: ClientStream, key: PayloadKey): boolean {
    if (this.#streams.size >= this.streamsMax) {
      this.refused += 1;
      return false;
    }
    this.#streams.set(stream, key);
    this.#count(key.sdkKey, 1);
    return true;
  }

  /** Frees the stream's place; returns false for a stream that has none. */
  remove(stream: ClientStream): boolean {
    const key = this.#streams.get(stream);
    if (key === undefined) return false;
    this.#streams.delete(stream);
    this.#count(key.sdkKey, -1);
    return true;
  }

  get active(): number {
    return this.#streams.size;
  }

  /** Open streams by the key itself, not masked, so that more of it can be looked up. */
  get perKey(): ReadonlyMap<string, number> {
    return this.#perKey;
  }

  /** Calls back whenever the number of streams changed; returns what ends that. */
  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Ends every stream, also those that wait, one after the other, so that their clients do not come back in one wave. */
  drain(clock: Clock): Draining {
    const waiting = [...this.#waiting].flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
    const streams = [...this.#streams.keys(), ...waiting];
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

  #count(sdkKey: string, change: 1 | -1): void {
    const streams = (this.#perKey.get(sdkKey) ?? 0) + change;
    if (streams === 0) this.#perKey.delete(sdkKey);
    else this.#perKey.set(sdkKey, streams);
    this.#listeners.tell((listener) => {
      listener();
    });
  }
}
