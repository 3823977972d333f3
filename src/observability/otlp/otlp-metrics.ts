// Sends what is measured to an OpenTelemetry receiver: events under SFP's names, and all of /metrics under OpenTelemetry's.
import type { Attributes } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { ProxyEventFields } from '../event-fields.js';
import { inBackground } from '../in-background.js';
import type { Instrument } from '../instrument.js';
import { readInstruments } from '../instruments.js';
import type { Logger } from '../logger.js';
import type { Metrics } from '../metrics.js';
import { otelNameOf } from '../otel-names.js';
import type { Series } from '../series.js';
import type { SfpSink } from '../sfp-events.js';
import type { TaggedMetric } from '../sfp-tags.js';
import { MetricExports, type Measured } from './measured.js';
import type { OtlpMetricsOptions } from './otlp-options.js';
import { METRICS, Receiver } from './receiver.js';
import { SfpSeries } from './sfp-series.js';

/** As SFP's metrics say it. */
const SFP_SCOPE = 'statsig.forward_proxy';
const OWN_SCOPE = 'spec-forward-proxy';
const READ = new Set<Instrument>(Object.values(readInstruments));

/** What is sent, and as whose. */
export interface MetricSources {
  readonly metrics: Metrics;
  readonly resource: Resource;
  readonly version: string;
}

export class OtlpMetrics implements SfpSink {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sources: MetricSources;
  readonly #options: OtlpMetricsOptions;
  readonly #startMs: number;
  readonly #sfp: SfpSeries;
  readonly #receiver: Receiver<Parameters<typeof METRICS.protobuf.serializeRequest>[0]>;
  readonly #sfpExports: MetricExports;
  readonly #ownExports: MetricExports;
  #cancelExport: Cancel = () => undefined;
  #exporting: Promise<void> | undefined;
  #isClosed = false;
  #isBrokenOff = false;

  constructor(clock: Clock, log: Logger, sources: MetricSources, options: OtlpMetricsOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#sources = sources;
    this.#options = options;
    this.#startMs = clock.nowMs();
    this.#sfp = new SfpSeries(clock);
    this.#receiver = new Receiver(clock, log, options.way, METRICS);
    this.#sfpExports = new MetricExports(options.temporality);
    this.#ownExports = new MetricExports(options.temporality);
  }

  get failingSinceMs(): number | undefined {
    return this.#receiver.failingSinceMs;
  }

  record(metric: TaggedMetric, fields: ProxyEventFields): void {
    this.#sfp.record(metric, fields);
  }

  open(): void {
    this.#cancelExport = this.#clock.schedule(this.#options.intervalMs, () => {
      this.#exporting = this.#export().finally(() => {
        if (!this.#isClosed) this.open();
      });
      inBackground(this.#exporting, this.#log);
    });
  }

  /** Sends everything once more. The caller decides how long to wait, and then calls `breakOff`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelExport();
    await this.#exporting;
    await this.#export();
  }

  breakOff(): void {
    this.#isBrokenOff = true;
    this.#receiver.close();
  }

  async #export(): Promise<void> {
    if (this.#isBrokenOff) return;
    const nowMs = this.#clock.nowMs();
    const sfp = this.#sfpExports.next(this.#sfp.measured(), nowMs);
    const read = this.#sources.metrics.read();
    const own = this.#ownExports.next(
      read.map((series) => this.#toMeasured(series)),
      nowMs,
    );
    const { resource, version } = this.#sources;
    const hasArrived = await this.#receiver.send({
      resource,
      scopeMetrics: [
        { scope: { name: SFP_SCOPE }, metrics: sfp.metrics },
        { scope: { name: OWN_SCOPE, version }, metrics: own.metrics },
      ],
    });
    if (!hasArrived) return;
    sfp.arrived();
    own.arrived();
    this.#sfp.forgetOld();
  }

  #toMeasured({ instrument, cells }: Series): Measured {
    const { name, unit, attributes, fixed } = otelNameOf(instrument);
    const names = instrument.labels.map((label) => attributes[label] ?? label);
    return {
      name,
      unit,
      description: instrument.help,
      type: instrument.type,
      bounds: instrument.bounds ?? [],
      isRead: READ.has(instrument),
      points: cells.map((cell) => {
        const named: Attributes = Object.fromEntries(names.map((label, at) => [label, cell.labels[at]]));
        return { attributes: { ...fixed, ...named }, cell, startMs: this.#startMs };
      }),
    };
  }
}
