// What became of batches, in all and per SDK key; of keys without a waiting batch only the latest are remembered.
import { maskSdkKey } from '../../../domain/sdk-key.js';

export interface EventCounts {
  /** Batches answered with 202. */
  accepted: number;
  /** Batches that the origin took. */
  forwarded: number;
  /** Deliveries that have to be tried again. */
  retried: number;
  /** Exposures left out, as the origin gets them by another batch. */
  deduplicated: number;
  /** Batches that the origin will never take, or that cannot be read any more. */
  dead: number;
  /** Batches that were not accepted because there was no room, or because they could not be written. */
  turnedAway: number;
}

export type EventCount = keyof EventCounts;

export interface KeyCounts extends Readonly<EventCounts> {
  /** Masked. */
  readonly sdkKey: string;
}

/** Keys without a waiting batch whose counts are remembered. */
const IDLE_KEYS_MAX = 1000;
const LOOKED_AT_MAX = IDLE_KEYS_MAX / 10;

export class EventCounters {
  readonly #total = noCounts();
  readonly #perKey = new Map<string, EventCounts>();
  readonly #isBusy: (sdkKey: string) => boolean;

  /** `isBusy`: whether the key has batches waiting; such a key is not forgotten. */
  constructor(isBusy: (sdkKey: string) => boolean) {
    this.#isBusy = isBusy;
  }

  get total(): Readonly<EventCounts> {
    return this.#total;
  }

  /** By the key itself, not masked, so that more of it can be looked up. */
  get perKey(): ReadonlyMap<string, Readonly<EventCounts>> {
    return this.#perKey;
  }

  count(sdkKey: string, what: EventCount, times = 1): void {
    this.#total[what] += times;
    this.#of(sdkKey)[what] += times;
  }

  #of(sdkKey: string): EventCounts {
    const known = this.#perKey.get(sdkKey);
    if (known !== undefined) return known;
    if (this.#perKey.size >= IDLE_KEYS_MAX) this.#forgetIdle();
    const counts = noCounts();
    this.#perKey.set(sdkKey, counts);
    return counts;
  }

  /** Looks at a tenth of them at a time, so that a flood of new keys does not go through the whole table for each. */
  #forgetIdle(): void {
    const oldest: string[] = [];
    for (const sdkKey of this.#perKey.keys()) {
      if (oldest.length === LOOKED_AT_MAX) break;
      oldest.push(sdkKey);
    }
    for (const sdkKey of oldest) {
      const counts = this.#perKey.get(sdkKey);
      this.#perKey.delete(sdkKey);
      // To the end of the line: the next look is at others.
      if (counts !== undefined && this.#isBusy(sdkKey)) this.#perKey.set(sdkKey, counts);
    }
  }
}

export function maskCounts(sdkKey: string, counts: Readonly<EventCounts>): KeyCounts {
  return { sdkKey: maskSdkKey(sdkKey), ...counts };
}

function noCounts(): EventCounts {
  return { accepted: 0, forwarded: 0, retried: 0, deduplicated: 0, dead: 0, turnedAway: 0 };
}
