// What became of fetches of remote values: events, counts for /status, and a line for what is stored and cannot be used.
import type { BackupListener, PlaceName } from '../../../core/backups.js';
import type { FetchOutcome } from '../../../core/origin.js';
import type { OutcomeListener, RefreshEffect } from '../../../core/refresher.js';
import type { Clock } from '../../../domain/clock.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { eventFields } from '../../../observability/event-fields.js';
import type { Logger } from '../../../observability/logger.js';
import type { ProxyEvents } from '../../../observability/proxy-events.js';
import { ThrottledLine } from '../../../observability/throttled-line.js';
import type { SnapshotFault } from '../../../storage/snapshots.js';
import { NO_SUCH_VALUE } from '../origin/remote-value-client.js';

const LINE_EVERY_MS = 60_000;
const SHOWN_CHARACTERS = 8;

export class ValueLog implements OutcomeListener, BackupListener {
  readonly #log: Logger;
  readonly #events: ProxyEvents;
  readonly #unusable: ThrottledLine;
  readonly #failing: ThrottledLine;
  readonly #counts = { fetched: 0, missing: 0, failed: 0 };

  constructor(clock: Clock, log: Logger, events: ProxyEvents) {
    this.#log = log;
    this.#events = events;
    this.#unusable = new ThrottledLine(clock, LINE_EVERY_MS);
    this.#failing = new ThrottledLine(clock, LINE_EVERY_MS);
  }

  fetched(key: PayloadKey, outcome: FetchOutcome, _effect: RefreshEffect, latencyMs: number): void {
    const failure = outcome.kind === 'failed' ? outcome : undefined;
    const kind =
      failure === undefined ? 'fetched' : NO_SUCH_VALUE.includes(failure.reason) ? 'missing' : 'failed';
    this.#counts[kind] += 1;
    this.#events.record('RemoteValueFetched', { ...eventFields(key), outcome: kind, latencyMs });
    if (failure === undefined || kind === 'missing') return;
    const { reason, detail } = failure;
    this.#failing.tell((untold) => {
      this.#log.warn({ value: shown(key), reason, detail, untold }, 'remote value was not fetched');
    });
  }

  unusable(key: PayloadKey, place: PlaceName, fault: SnapshotFault): void {
    this.#unusable.tell((untold) => {
      this.#log.warn({ value: shown(key), place, fault, untold }, 'stored remote value cannot be used');
    });
  }

  /** Since the start. */
  describe(): object {
    return { fetches: { ...this.#counts } };
  }
}

/** Enough of the hash to find it. */
function shown({ sdkKey: sha256 }: PayloadKey): string {
  return sha256.slice(0, SHOWN_CHARACTERS);
}
