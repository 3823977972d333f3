// The keys of an issuer from its URL: fetched ahead of their use, kept while it is away, and asked for anew where a token needs it.
import type { Cancel, Clock } from '../domain/clock.js';
import type { Failure } from '../domain/failure.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import type { KeySet } from './key-set.js';
import type { KeySource } from './key-source.js';

/** Issuers publish a new key long before they use it. */
const REFRESH_MS = 600_000;
const RETRY_MS = 10_000;
/** Anybody can invent tokens with keys that do not exist: they make us ask so often at most. */
const UNKNOWN_KEY_PAUSE_MS = 30_000;

export type FetchKeys = () => Promise<KeySet | Failure>;

export class RemoteKeys implements KeySource {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #fetch: FetchKeys;
  current: KeySet | undefined;
  /** Since when the keys cannot be fetched, by the wall clock, and why; undefined where they can. */
  failing: { readonly sinceMs: number; readonly reason: string } | undefined;
  #flight: Promise<void> | undefined;
  #askedAtMs = -Infinity;
  #cancelNext: Cancel = () => undefined;
  #isStopped = false;

  constructor(clock: Clock, log: Logger, fetch: FetchKeys) {
    this.#clock = clock;
    this.#log = log;
    this.#fetch = fetch;
  }

  /** The start does not wait for it: specs are served without these keys. */
  start(): void {
    inBackground(this.#refresh(), this.#log);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext();
  }

  async renewed(): Promise<boolean> {
    const before = this.current;
    const isTooSoon = this.#clock.monotonicMs() - this.#askedAtMs < UNKNOWN_KEY_PAUSE_MS;
    if (this.#isStopped || (this.#flight === undefined && isTooSoon)) return false;
    await this.#refresh();
    return this.current !== before;
  }

  /** One at a time, for all who want it. */
  #refresh(): Promise<void> {
    this.#flight ??= this.#ask().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #ask(): Promise<void> {
    this.#cancelNext();
    this.#askedAtMs = this.#clock.monotonicMs();
    const answer = await this.#fetch();
    if (this.#isStopped) return;
    if ('kind' in answer) this.#failed(answer);
    else this.#learn(answer);
    this.#cancelNext = this.#clock.schedule(this.failing === undefined ? REFRESH_MS : RETRY_MS, () => {
      inBackground(this.#refresh(), this.#log);
    });
  }

  #failed({ reason, detail }: Failure): void {
    if (this.failing === undefined) {
      this.#log.warn(
        { reason, detail },
        'keys of the token issuer not fetched: those from before stay in use',
      );
    }
    this.failing = { sinceMs: this.failing?.sinceMs ?? this.#clock.nowMs(), reason };
  }

  #learn(keys: KeySet): void {
    const isNews = JSON.stringify(keys) !== JSON.stringify(this.current);
    if (isNews || this.failing !== undefined) {
      this.#log.info({ keys: keys.keys.length }, 'keys of the token issuer fetched');
    }
    this.failing = undefined;
    if (isNews) this.current = keys;
  }
}
