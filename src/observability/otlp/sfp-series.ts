// Events summed by SFP's tags for OpenTelemetry: bounded in number, and forgotten where nothing has happened for a while.
import type { Attributes } from '@opentelemetry/api';
import type { Clock } from '../../domain/clock.js';
import { catalogue, type CatalogueRow, type Operation, type ProxyEventName } from '../catalogue.js';
import type { ProxyEventFields } from '../event-fields.js';
import { Cell } from '../series.js';
import type { SfpSink } from '../sfp-events.js';
import { sfpMetricName } from '../sfp-names.js';
import { tagEntry, type TaggedMetric } from '../sfp-tags.js';
import type { Measured } from './measured.js';

/** The SDK's default limit on what one instrument may have; what comes beyond is counted together. */
const SETS_MAX = 2_000;
const OVERFLOW: Attributes = { 'otel.metric.overflow': true };
/** A set that nothing has come for in this long is sent no more: `lcut` is another one with every change of a project. */
const FORGET_MS = 900_000;
/** The SDK's own bounds, in milliseconds: those that SFP has. */
const LATENCY_MS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
const TYPES = { latency: 'histogram', count: 'counter', gauge: 'gauge' } as const;

class CountedSet {
  readonly attributes: Attributes;
  readonly cell: Cell;
  readonly startMs: number;
  hasNews = true;
  newsMs: number;

  constructor(attributes: Attributes, cell: Cell, nowMs: number) {
    this.attributes = attributes;
    this.cell = cell;
    this.startMs = nowMs;
    this.newsMs = nowMs;
  }
}

interface Counted {
  readonly name: ProxyEventName;
  readonly when: string;
  readonly operation: Operation;
  readonly sets: Map<string, CountedSet>;
}

export class SfpSeries implements SfpSink {
  readonly #clock: Clock;
  readonly #counted = new Map<ProxyEventName, Counted>();

  constructor(clock: Clock) {
    this.#clock = clock;
    for (const [name, { sfp, when }] of Object.entries(catalogue) as [ProxyEventName, CatalogueRow][]) {
      if (sfp === undefined) continue;
      this.#counted.set(name, { name, when, operation: sfp.operation, sets: new Map() });
    }
  }

  record(metric: TaggedMetric, fields: ProxyEventFields): void {
    const counted = this.#counted.get(metric.event);
    if (counted === undefined) return;
    const set = counted.sets.get(metric.id) ?? this.#add(counted, metric);
    set.hasNews = true;
    if (counted.operation === 'latency') set.cell.observe(fields.latencyMs ?? 0);
    else if (counted.operation === 'count') set.cell.value += fields.events ?? 1;
    else set.cell.value = fields.value ?? 0;
  }

  measured(): readonly Measured[] {
    return [...this.#counted.values()].map(({ name, when, operation, sets }) => ({
      name: sfpMetricName(name, operation),
      description: when,
      unit: operation === 'latency' ? 'ms' : '',
      type: TYPES[operation],
      bounds: operation === 'latency' ? LATENCY_MS : [],
      isRead: false,
      points: [...sets.values()],
    }));
  }

  /** To be called when all that was measured has arrived. */
  forgetOld(): void {
    const nowMs = this.#clock.nowMs();
    for (const { sets } of this.#counted.values()) {
      for (const [id, set] of sets) {
        if (set.hasNews) set.newsMs = nowMs;
        else if (nowMs - set.newsMs >= FORGET_MS) sets.delete(id);
        set.hasNews = false;
      }
    }
  }

  #add({ operation, sets }: Counted, { id, tags }: TaggedMetric): CountedSet {
    const isBeyond = sets.size >= SETS_MAX - 1;
    const key = isBeyond ? 'overflow' : id;
    const known = sets.get(key);
    if (known !== undefined) return known;
    const attributes = isBeyond ? OVERFLOW : Object.fromEntries(tags.map(tagEntry));
    const cell = new Cell(isBeyond ? [key] : tags, operation === 'latency' ? LATENCY_MS : []);
    const set = new CountedSet(attributes, cell, this.#clock.nowMs());
    sets.set(key, set);
    return set;
  }
}
