// Reports what fetches did: a log line when something changed, an event for each, and the last outcome for /status.
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { PayloadFormat } from '../domain/resource-kind.js';
import type { Logger } from '../observability/logger.js';
import { isInFuture } from '../domain/version.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { eventFields } from '../observability/event-fields.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import type { FetchOutcome } from './origin.js';
import { OutcomeHistory, type OutcomeKind, type OutcomeRun } from './outcome-history.js';
import { consequence, OriginOutages, type KnownStanding } from './origin-outages.js';
import { logFields } from './payload-words.js';
import type { HeldPayload, StoreListener } from './payload-store.js';
import { VERSION_IN_FUTURE, type OutcomeListener, type RefreshEffect, type Told } from './refresher.js';

/** Keys nobody holds come from clients' requests: what is logged of them is bounded. */
const STRANGERS_LINE_PERIOD_MS = 10_000;
/** An origin may give every payload a version in the future at one time. */
const FUTURE_LINE_PERIOD_MS = 10_000;

export interface LastOutcome {
  readonly kind: OutcomeKind;
  /** Where the fetch failed: the failure's. */
  readonly reason?: string;
  /** By the monotonic clock. */
  readonly atMs: number;
  /** When the first of these outcomes of one kind in a row came. */
  readonly sinceMs: number;
}

export type Standing = KnownStanding | 'unknown';

export class OutcomeLog implements OutcomeListener, StoreListener {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #standing: (key: PayloadKey) => Standing;
  readonly #hostOf: (key: PayloadKey) => string;
  readonly #versionOf: (key: PayloadKey) => number | undefined;
  readonly #outages: OriginOutages;
  readonly history = new OutcomeHistory();
  readonly #strangerFailed: ThrottledLine;
  readonly #strangerRefused: ThrottledLine;
  readonly #futureIgnored: ThrottledLine;
  readonly #futureHeld: ThrottledLine;

  /**
   * Outcomes are kept of payloads that are held or pinned. `hostOf`: the host of the payload's origin, for people.
   * `versionOf`: the version that is held of it.
   */
  constructor(
    clock: Clock,
    log: Logger,
    events: ProxyEvents,
    standing: (key: PayloadKey) => Standing,
    hostOf: (key: PayloadKey) => string,
    versionOf: (key: PayloadKey) => number | undefined,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    this.#standing = standing;
    this.#hostOf = hostOf;
    this.#versionOf = versionOf;
    this.#outages = new OriginOutages(clock, log, hostOf);
    this.#strangerFailed = new ThrottledLine(clock, STRANGERS_LINE_PERIOD_MS);
    this.#strangerRefused = new ThrottledLine(clock, STRANGERS_LINE_PERIOD_MS);
    this.#futureIgnored = new ThrottledLine(clock, FUTURE_LINE_PERIOD_MS);
    this.#futureHeld = new ThrottledLine(clock, FUTURE_LINE_PERIOD_MS);
  }

  lastOf(key: PayloadKey): LastOutcome | undefined {
    const last = this.history.lastOf(key);
    if (last === undefined) return undefined;
    const { kind, reason, untilMs: atMs, kindSinceMs: sinceMs } = last;
    return { kind, ...(reason !== undefined && { reason }), atMs, sinceMs };
  }

  forget(key: PayloadKey): void {
    this.#outages.ended(key);
    this.history.forget(key);
  }

  /** Another replica has asked the origin and got a good answer. */
  confirmedByFleet(key: PayloadKey): void {
    this.#outages.ended(key);
    this.#tellAccepted(key, this.history.lastOf(key));
    this.history.note(key, 'confirmed_by_fleet', undefined, this.#clock.monotonicMs());
  }

  /** Wherever it came from. */
  updated({ key, payload }: HeldPayload): void {
    if (!isInFuture(payload.version, this.#clock.nowMs())) return;
    this.#futureHeld.tell((untold) => {
      this.#log.error(
        { ...logFields(key), specVersion: payload.version, untold },
        `${key.kind.noun} has a version in the future: served until any other comes, as nothing else is held`,
      );
    });
  }

  fetched(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, latencyMs: number): void {
    const before = this.history.lastOf(key);
    this.#record(key, outcome, latencyMs, before);
    // A fetch that our own shutdown broke off says nothing about the origin.
    if (outcome.kind === 'failed' && outcome.reason === 'closed') return;
    this.#tellStored(key, outcome, effect, { latencyMs });
    if (effect === 'removed') {
      this.#log.warn(this.#fields(key), `${key.kind.noun} dropped: origin refused the SDK key`);
    }
    const standing = this.#standing(key);
    if (standing !== 'unknown') this.#tellChange(key, outcome, standing, before);
    // A dropped payload has its line already, or belongs to nobody any more.
    else if (effect === 'none') this.#tellStranger(key, outcome);
  }

  heard(key: PayloadKey, told: Told, effect: RefreshEffect): void {
    this.#tellStored(key, told, effect, {});
    this.#tellChange(key, told, 'held', this.history.lastOf(key));
  }

  #tellStored(key: PayloadKey, outcome: FetchOutcome, effect: RefreshEffect, more: object): void {
    if (effect !== 'stored' || outcome.kind !== 'updated') return;
    const { version, originForm, identityBytes } = outcome.payload;
    const sizes = { encoding: originForm.encoding, bytes: originForm.bytes.length, identityBytes };
    this.#log.info(
      { ...logFields(key), specVersion: version, ...sizes, ...more },
      `${key.kind.noun} updated`,
    );
  }

  #tellChange(
    key: PayloadKey,
    outcome: FetchOutcome,
    standing: KnownStanding,
    before: OutcomeRun | undefined,
  ): void {
    const { kind } = outcome;
    const reason = outcome.kind === 'failed' ? outcome.reason : undefined;
    this.history.note(key, kind, reason, this.#clock.monotonicMs());
    if (outcome.kind === 'failed' && outcome.reason !== VERSION_IN_FUTURE) {
      this.#outages.failed(key, outcome, standing);
      return;
    }
    this.#outages.ended(key);
    if (outcome.kind === 'failed' && before?.reason !== VERSION_IN_FUTURE)
      this.#tellFuture(key, outcome.detail);
    if (kind === 'updated' || kind === 'unchanged') this.#tellAccepted(key, before);
    else if (outcome.kind === 'unauthorized' && before?.kind !== 'unauthorized') {
      this.#log.warn(this.#fields(key), `origin refused this SDK key: ${consequence(key, standing)}`);
    }
  }

  /** The origin answers, so this is not an outage, but its answer cannot be right. */
  #tellFuture(key: PayloadKey, detail: string): void {
    this.#futureIgnored.tell((untold) => {
      this.#log.error(
        { ...logFields(key), host: this.#hostOf(key), detail, untold },
        `origin sent a version in the future, which is ignored: ${consequence(key, 'held')}`,
      );
    });
  }

  #tellAccepted(key: PayloadKey, before: OutcomeRun | undefined): void {
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

  #record(key: PayloadKey, outcome: FetchOutcome, latencyMs: number, before: OutcomeRun | undefined): void {
    const isStated = key.kind.versions === 'stated';
    // An answer that brings nothing leaves the version that it was asked with.
    const lcut = isStated ? (this.#versionOf(key) ?? 0) : 0;
    if (before !== undefined && before.kind !== 'confirmed_by_fleet') {
      const sinceMs = this.#clock.monotonicMs() - before.untilMs;
      this.#events.record('BackgroundDataProviderRequestInterval', fetchFields(key, sinceMs));
    }
    const status = statusOf(outcome);
    if (isStated) {
      this.#events.record('DcsFetchSource', { status, clientService: 'cdn' });
    }
    const common = fetchFields(key, latencyMs);
    if (outcome.kind === 'unchanged') {
      const { path, api, format, sdkKey, acceptEncoding } = common;
      const told = { path, api, format, sdkKey, acceptEncoding, latencyMs, lcut, status: 200 };
      this.#events.record('HttpDataProviderNoData', told);
    } else if (outcome.kind === 'updated') {
      const { version, originForm } = outcome.payload;
      const contentEncoding = originForm.encoding;
      this.#events.record('HttpDataProviderGotData', {
        ...common,
        lcut: version,
        status: 200,
        contentEncoding,
      });
    } else {
      const isFailure = outcome.kind === 'failed';
      const reason = isFailure ? outcome.reason : 'unauthorized';
      const told = { ...common, lcut, outcome: isFailure ? 'failed' : 'refused', reason };
      this.#events.record('HttpDataProviderError', { ...told, ...(status && { status }) });
    }
  }
}

/** The codings that the origin is asked for, as SFP words them. */
const ASKED_FOR: Readonly<Record<PayloadFormat, string>> = {
  json: 'gzip+br',
  protobuf: 'statsig-br+gzip+br',
};

/** Without spreading objects, which takes 2 µs: a poll records three events. */
function fetchFields(key: PayloadKey, latencyMs: number) {
  const { path, api, format, sdkKey } = eventFields(key);
  return { path, api, format, sdkKey, acceptEncoding: ASKED_FOR[key.format], latencyMs };
}

/** Undefined where no answer came. */
function statusOf(outcome: FetchOutcome): number | undefined {
  if (outcome.kind === 'failed') {
    const status = /^status_(\d{3})$/.exec(outcome.reason)?.[1];
    return status === undefined ? undefined : Number(status);
  }
  return outcome.kind === 'unauthorized' ? outcome.status : 200;
}
