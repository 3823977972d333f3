// Log lines for outages: one when an origin begins to fail, one with the number of payloads, one when it is over.
import type { Clock } from '../domain/clock.js';
import type { Failure } from '../domain/failure.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { Logger } from '../observability/logger.js';
import { logFields } from './payload-words.js';

/** Within a polling interval or two every payload has had its turn: then the extent of the outage is known. */
const EXTENT_KNOWN_MS = 20_000;
const EXTENT_AGAIN_MS = 600_000;

/** What a payload is to us. A pinned one may not be held yet. */
export type KnownStanding = 'held' | 'pinned';

interface Outage {
  /** By the monotonic clock. */
  readonly sinceMs: number;
  /** Payloads that fail now, by id, with the reason. */
  readonly failing: Map<string, string>;
  failingMax: number;
  nextLineMs: number;
}

/** With a thousand keys an outage would be thousands of lines: single payloads are logged at debug level while it lasts. */
export class OriginOutages {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #hostOf: (key: PayloadKey) => string;
  /** By host. */
  readonly #outages = new Map<string, Outage>();

  constructor(clock: Clock, log: Logger, hostOf: (key: PayloadKey) => string) {
    this.#clock = clock;
    this.#log = log;
    this.#hostOf = hostOf;
  }

  failed(key: PayloadKey, { reason, detail }: Failure, standing: KnownStanding): void {
    const host = this.#hostOf(key);
    const id = payloadId(key);
    const isFirst = !this.#outages.has(host);
    const outage = this.#outages.get(host) ?? this.#begin(host);
    if (outage.failing.get(id) !== reason) {
      const fields = { ...logFields(key), host, reason, detail };
      this.#log[isFirst ? 'warn' : 'debug'](fields, `origin failing: ${consequence(key, standing)}`);
    }
    outage.failing.set(id, reason);
    outage.failingMax = Math.max(outage.failingMax, outage.failing.size);
    this.#tellExtent(host, outage, reason);
  }

  /** The payload fails no longer, or is not known any more. */
  ended(key: PayloadKey): void {
    const host = this.#hostOf(key);
    const outage = this.#outages.get(host);
    if (outage?.failing.delete(payloadId(key)) !== true || outage.failing.size > 0) return;
    this.#outages.delete(host);
    const durationS = Math.round((this.#clock.monotonicMs() - outage.sinceMs) / 1000);
    this.#log.info({ host, durationS, payloads: outage.failingMax }, 'origin answering again');
  }

  #begin(host: string): Outage {
    const sinceMs = this.#clock.monotonicMs();
    const outage = { sinceMs, failing: new Map(), failingMax: 0, nextLineMs: sinceMs + EXTENT_KNOWN_MS };
    this.#outages.set(host, outage);
    return outage;
  }

  #tellExtent(host: string, outage: Outage, reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < outage.nextLineMs || outage.failing.size === 1) return;
    outage.nextLineMs = nowMs + EXTENT_AGAIN_MS;
    const sinceS = Math.round((nowMs - outage.sinceMs) / 1000);
    this.#log.warn({ host, reason, payloads: outage.failing.size, sinceS }, 'origin still failing');
  }
}

/** What clients see of it. */
export function consequence({ kind }: PayloadKey, standing: KnownStanding): string {
  return standing === 'held' ? `still serving the last good ${kind.noun}` : `no ${kind.noun} to serve yet`;
}
