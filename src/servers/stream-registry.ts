// Every open stream of this process: how many there may be, whose they are, and their end in good order.
import { Listeners } from '../domain/listeners.js';
import type { Cancel, Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { ClientStream } from './client-stream.js';

export interface StreamRegistryOptions {
  readonly streamsMax: number;
}

export class StreamRegistry {
  readonly #streams = new Map<ClientStream, PayloadKey>();
  readonly #listeners = new Listeners<() => void>();
  readonly #perKey = new Map<string, number>();
  readonly streamsMax: number;
  /** Streams that were not opened, as every place was taken. */
  refused = 0;
  /** Streams that were ended, as their client took nothing for too long. */
  dropped = 0;

  constructor(options: StreamRegistryOptions) {
    this.streamsMax = options.streamsMax;
  }

  /** Takes a place for the stream, or returns false: then it is counted as refused. */
  add(stream: ClientStream, key: PayloadKey): boolean {
    if (this.#streams.size >= this.streamsMax) {
      this.refused += 1;
      return false;
    }
    this.#streams.set(stream, key);
    this.#count(key.sdkKey, 1);
    return true;
  }

  /** Frees the stream's place; a stream that has none is passed over. */
  remove(stream: ClientStream): void {
    const key = this.#streams.get(stream);
    if (key === undefined) return;
    this.#streams.delete(stream);
    this.#count(key.sdkKey, -1);
  }

  get active(): number {
    return this.#streams.size;
  }

  activeOf(sdkKey: string): number {
    return this.#perKey.get(sdkKey) ?? 0;
  }

  /** Streams per masked key, most first. */
  get byKey(): readonly { readonly sdkKey: string; readonly streams: number }[] {
    return [...this.#perKey]
      .map(([sdkKey, streams]) => ({ sdkKey: maskSdkKey(sdkKey), streams }))
      .sort((left, right) => right.streams - left.streams);
  }

  /** Calls back whenever the number of streams changed; returns what ends that. */
  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Ends every stream, one after the other over `spreadMs`, so that clients do not come back in one wave. */
  drain(clock: Clock, spreadMs: number): Cancel {
    const streams = [...this.#streams.keys()];
    const cancels = streams.map((stream, index) =>
      clock.schedule((index * spreadMs) / streams.length, () => {
        stream.end('draining');
      }),
    );
    return () => {
      for (const cancel of cancels) cancel();
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
