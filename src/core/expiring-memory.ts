// A bounded table of answers that are remembered for a while, so that hopeless questions do not go upstream each time.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/clock.js';

/** Forgets entries when their time is over, and the oldest when the table is full. */
export class ExpiringMemory<Value extends object> {
  readonly #clock: Clock;
  readonly #cache: LRUCache<string, { readonly value: Value; readonly untilMs: number }>;
  readonly entriesMax: number;

  constructor(clock: Clock, entriesMax: number) {
    this.#clock = clock;
    this.entriesMax = entriesMax;
    // With `max`, room for all entries would be taken at once: 220 kB for 10,000, and there are a dozen such tables.
    this.#cache = new LRUCache({ maxSize: entriesMax, sizeCalculation: () => 1 });
  }

  remember(id: string, value: Value, forMs: number): void {
    this.#cache.set(id, { value, untilMs: this.#clock.monotonicMs() + forMs });
  }

  /** The value with the time it has left, in milliseconds. */
  recall(id: string): { readonly value: Value; readonly leftMs: number } | undefined {
    const entry = this.#cache.get(id);
    if (entry === undefined) return undefined;
    const leftMs = entry.untilMs - this.#clock.monotonicMs();
    if (leftMs > 0) return { value: entry.value, leftMs };
    this.#cache.delete(id);
    return undefined;
  }

  forget(id: string): void {
    this.#cache.delete(id);
  }

  /** Entries in the table, those whose time is over but were not asked for again included. */
  get entries(): number {
    return this.#cache.size;
  }
}
