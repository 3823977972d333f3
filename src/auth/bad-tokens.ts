// Bad tokens by the address that sent them: beyond a number of them it has to wait, whatever it sends.
import { ExpiringMemory } from '../core/expiring-memory.js';
import type { Clock } from '../domain/clock.js';
import type { Gauge } from '../observability/gauges.js';

/** A person mistypes a few times, and a scraper with an old token asks four times a minute. */
const BAD_TOKENS_MAX = 20;
/** From the first of them on. */
const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 1_000;

export class BadTokens {
  readonly #byAddress: ExpiringMemory<{ count: number }>;
  /** How often an address was told to wait. */
  #reached = 0;

  constructor(clock: Clock) {
    this.#byAddress = new ExpiringMemory(clock, ADDRESSES_MAX);
  }

  add(address: string): void {
    const known = this.#byAddress.recall(address)?.value;
    if (known === undefined) this.#byAddress.remember(address, { count: 1 }, WINDOW_MS);
    else known.count += 1;
  }

  /** How long the address has to wait; undefined where it need not. */
  waitMs(address: string): number | undefined {
    const known = this.#byAddress.recall(address);
    if (known === undefined || known.value.count < BAD_TOKENS_MAX) return undefined;
    this.#reached += 1;
    return known.leftMs;
  }

  get gauge(): Gauge {
    return { entries: this.#byAddress.entries, entriesMax: ADDRESSES_MAX, reached: this.#reached };
  }
}
