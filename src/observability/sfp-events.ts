// Events under SFP's names: the tags of each are found once, for all sinks that send them.
import type { ProxyEventName } from './catalogue.js';
import type { ProxyEventFields } from './event-fields.js';
import type { EventSink } from './proxy-events.js';
import type { SfpTags, TaggedMetric } from './sfp-tags.js';

/** As an EventSink: it never throws and never waits. */
export interface SfpSink {
  record(metric: TaggedMetric, fields: ProxyEventFields): void;
}

export class SfpEvents implements EventSink {
  readonly #tags: SfpTags;
  readonly #sinks: readonly SfpSink[];

  constructor(tags: SfpTags, sinks: readonly SfpSink[]) {
    this.#tags = tags;
    this.#sinks = sinks;
  }

  record(name: ProxyEventName, fields: ProxyEventFields): void {
    const metric = this.#tags.of(name, fields);
    if (metric === undefined) return;
    for (const sink of this.#sinks) sink.record(metric, fields);
  }
}
