// Reports what fetches did: a log line when something changed, an event for each, and the last outcome for /status.
import type { Clock } from '../domain/clock.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import type { Logger } from '../observability/logger.js';
import { eventFields, type ProxyEvents } from '../observability/proxy-events.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import type { FetchOutcome } from './origin.js';
import { consequence, OriginOutages, type KnownStanding } from './origin-outages.js';
import { logFields, recordVersion } from './payload-words.js';
import type { OutcomeListener, RefreshEffect } from './refresher.js';

/** Keys nobody holds come from clients' requests: what is logged of them is bounded. */
const STRANGERS_LINE_PERIOD_MS = 10_000;

export interface LastOutcome {
  /** `updated`, `unchanged`, `unauthorized` or `failed`; `confirmed_by_fleet` where another replica asked. */
  readonly kind: FetchOutcome['kind'] | 'confirmed_by_fleet';
  /** Where the fetch failed: the failure's. */
  readonly reason?: string;
  /** By the monotonic clock. */
  readonly atMs: number;
}

export type Standing = KnownStanding | 'unknown';

export class OutcomeLog implements OutcomeListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #standing: (key: PayloadKey) => Standing;
  readonly #hostOf: (key: PayloadKey) => string;
  readonly #outages: OriginOutages;
  readonly #last = new Map<string, LastOutcome>();
  readonly #strangerFailed: ThrottledLine;
  readonly #strangerRefused: ThrottledLine;

  /** A last outcome is kept of payloads that are held or pinned. `hostOf`: the host of the payload's origin, for people. */
  constructor(
    clock: Clock,
    log: Logger,
    events: ProxyEvents,
    standing: (key: PayloadKey) => Standing,
    hostOf: (key: PayloadKey) => string,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    this.#standing = standing;
    this.#hostOf = hostOf;
    this.#outages = new OriginOutages(clock, log, hostOf);
    this.#strangerFailed = new ThrottledLine(clock, STRANGERS_LINE_PERIOD_MS);
    this.#strangerRefused = new ThrottledLine(clock, STRANGERS_LINE_PERIOD_MS);
  }

  lastOf(key: PayloadKey): LastOutcome | undefined {
    return this.#last.get(payloadId(key));
  }

  forget(key: PayloadKey): void {
    this.#outages.ended(key);
    this.#last.delete(payloadId(key));
  }

  /** Another replica has asked the origin and got a good answer. */
  confirmedByFleet(key: PayloadKey): void {
    this.#outages.ended(key);
    this.#tellAccepted(key, this.#last.get(payloadId(key)));
    this.#last.set(payloadId(key), { kind: 'confirmed_by_fleet', atMs: this.#clock.monotonicMs() });
  }

  fetched(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, latencyMs: number): void {
    if (this.#events.isWatched) this.#record(key, outcome, effect, latencyMs);
    // A fetch that our own shutdown broke off says nothing about the origin.
    if (outcome.kind === 'failed' && outcome.reason === 'closed') return;
    if (effect === 'stored' && outcome.kind === 'updated') {
      const { version, originForm, identityBytes } = outcome.payload;
      const sizes = { encoding: originForm.encoding, bytes: originForm.bytes.length, identityBytes };
      const fields = { ...logFields(key), specVersion: version, ...sizes, latencyMs };
      this.#log.info(fields, `${key.kind.noun} updated`);
    }
    if (effect === 'removed') {
      this.#log.warn(this.#fields(key), `${key.kind.noun} dropped: origin refused the SDK key`);
    }
    const standing = this.#standing(key);
    if (standing !== 'unknown') this.#tellChange(key, outcome, standing);
    // A dropped payload has its line already, or belongs to nobody any more.
    else if (effect === 'none') this.#tellStranger(key, outcome);
  }

  #tellChange(key: PayloadKey, outcome: FetchOutcome, standing: KnownStanding): void {
    const before = this.#last.get(payloadId(key));
    const now = toLastOutcome(outcome, this.#clock.monotonicMs());
    this.#last.set(payloadId(key), now);
    if (outcome.kind === 'failed') this.#outages.failed(key, outcome, standing);
    else this.#outages.ended(key);
    if (isGood(now)) this.#tellAccepted(key, before);
    else if (outcome.kind === 'unauthorized' && before?.kind !== 'unauthorized') {
      this.#log.warn(this.#fields(key), `origin refused this SDK key: ${consequence(key, standing)}`);
    }
  }

  #tellAccepted(key: PayloadKey, before: LastOutcome | undefined): void {
    if (before?.kind === 'unauthorized')
      this.#log.info(this.#fields(key), 'origin accepts this SDK key again');
  }

  #tellStranger(key: PayloadKey, outcome: FetchOutcome): void {
    if (outcome.kind === 'unauthorized') {
      const { status } = outcome;
      this.#strangerRefused.tell((untold) => {
        this.#log.warn(
          { ...this.#fields(key), status, untold },
          'origin refused an SDK key that is not in use',
        );
      });
    } else if (outcome.kind === 'failed') {
      const { reason, detail } = outcome;
      this.#strangerFailed.tell((untold) => {
        this.#log.warn(
          { ...this.#fields(key), reason, detail, untold },
          `origin failing: no ${key.kind.noun} for a first request`,
        );
      });
    }
  }

  #fields(key: PayloadKey): object {
    return { ...logFields(key), host: this.#hostOf(key) };
  }

  #record(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, latencyMs: number): void {
    const common = { ...eventFields(key), latencyMs };
    if (outcome.kind === 'unchanged') this.#events.record('HttpDataProviderNoData', common);
    else if (outcome.kind === 'updated') {
      const { version } = outcome.payload;
      this.#events.record('HttpDataProviderGotData', { ...common, lcut: version });
      if (effect === 'stored') recordVersion(this.#events, this.#clock, key, { version, latencyMs });
    } else {
      const reason = outcome.kind === 'failed' ? outcome.reason : 'unauthorized';
      this.#events.record('HttpDataProviderError', { ...common, reason });
    }
  }
}

function toLastOutcome(outcome: FetchOutcome, atMs: number): LastOutcome {
  const { kind } = outcome;
  return outcome.kind === 'failed' ? { kind, reason: outcome.reason, atMs } : { kind, atMs };
}

function isGood(last: LastOutcome): boolean {
  return last.kind !== 'unauthorized' && last.kind !== 'failed';
}
