// Events as log events of Statsig: SFP's metrics in a project of the operator's, by way of the queue that SDKs' log events go.
import type { Cancel, Clock } from '../../../domain/clock.js';
import type { ProxyEventFields } from '../../../observability/event-fields.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { SfpSink } from '../../../observability/sfp-events.js';
import { tagEntry, type TaggedMetric } from '../../../observability/sfp-tags.js';
import type { LogEventStore } from './log-event-store.js';

export interface StatsigSinkOptions {
  /** Of the project that gets the events. */
  readonly sdkKey: string;
  /** What every event says of its user. */
  readonly customIds: Readonly<Record<string, string>>;
  readonly version: string;
}

/** As SFP sends them: when so many have gathered, or after a minute. */
const EVENTS_PER_BATCH = 500;
const BATCH_MS = 60_000;
/** Each is stored and paid for: what comes beyond is counted, and left out. */
export const EVENTS_PER_SECOND_MAX = 1_000;
const SECOND_MS = 1_000;
const DECIMALS = 1_000;

interface LoggedEvent {
  readonly eventName: string;
  readonly value: number;
  readonly time: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export class StatsigSink implements SfpSink {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #options: StatsigSinkOptions;
  #store: Pick<LogEventStore, 'accept'> | undefined;
  #events: LoggedEvent[] = [];
  #cancelBatch: Cancel = () => undefined;
  #second = 0;
  #eventsInSecond = 0;
  /** Events that were left out, or that the queue did not take. */
  dropped = 0;

  constructor(clock: Clock, log: Logger, options: StatsigSinkOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
  }

  record({ name, operation, tags }: TaggedMetric, fields: ProxyEventFields): void {
    // What becomes of our own batches must not make more of them.
    if (fields.sdkKey === this.#options.sdkKey) return;
    if (!this.#hasRoom()) {
      this.dropped += 1;
      return;
    }
    const value = operation === 'latency' ? fields.latencyMs : (fields.value ?? fields.events ?? 1);
    this.#events.push({
      eventName: name,
      value: Math.round((value ?? 0) * DECIMALS) / DECIMALS,
      time: this.#clock.nowMs(),
      metadata: Object.fromEntries(tags.map(tagEntry)),
    });
    if (this.#events.length >= EVENTS_PER_BATCH) this.#send();
  }

  /** From now on batches go into this queue. */
  open(store: Pick<LogEventStore, 'accept'>): void {
    this.#store = store;
    this.#waitForBatch();
  }

  /** Hands over what has gathered; what comes later is dropped. */
  close(): void {
    this.#cancelBatch();
    this.#send();
    this.#store = undefined;
  }

  /** Before it is open, a batch is kept. */
  #hasRoom(): boolean {
    const second = Math.floor(this.#clock.monotonicMs() / SECOND_MS);
    if (second !== this.#second) this.#eventsInSecond = 0;
    this.#second = second;
    this.#eventsInSecond += 1;
    return this.#eventsInSecond <= EVENTS_PER_SECOND_MAX && this.#events.length < EVENTS_PER_BATCH;
  }

  #waitForBatch(): void {
    this.#cancelBatch();
    this.#cancelBatch = this.#clock.schedule(BATCH_MS, () => {
      this.#send();
      this.#waitForBatch();
    });
  }

  #send(): void {
    if (this.#store === undefined || this.#events.length === 0) return;
    const { sdkKey, customIds, version } = this.#options;
    const user = { customIDs: customIds };
    const events = this.#events.map((event) => ({ ...event, user }));
    const statsigMetadata = { sdkType: 'spec-forward-proxy', sdkVersion: version };
    const body = Buffer.from(JSON.stringify({ events, statsigMetadata }));
    const headers = { 'content-type': 'application/json', 'statsig-event-count': String(events.length) };
    this.#events = [];
    const accepting = this.#store.accept({ sdkKey, headers, query: '', coding: '', body });
    const counted = accepting.then(({ kind }) => {
      if (kind !== 'accepted') this.dropped += events.length;
    });
    inBackground(counted, this.#log);
  }
}
