// Everything that goes to OpenTelemetry. Imported only where it is asked for: its libraries take memory and time to load.
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import type { Clock } from '../../domain/clock.js';
import type { Logger } from '../logger.js';
import type { ProxyEventFields } from '../event-fields.js';
import type { Metrics } from '../metrics.js';
import type { SfpSink } from '../sfp-events.js';
import type { Tracing } from '../tracing.js';
import type { TaggedMetric } from '../sfp-tags.js';
import { OtlpMetrics } from './otlp-metrics.js';
import { OtlpTraces } from './otlp-traces.js';
import type { OtlpOptions } from './otlp-options.js';

export class Otlp implements SfpSink {
  /** Undefined where metrics are not wanted. */
  readonly #metrics: OtlpMetrics | undefined;
  readonly #traces: OtlpTraces | undefined;

  constructor(clock: Clock, log: Logger, metrics: Metrics, options: OtlpOptions) {
    const { version } = options;
    const resource = defaultResource().merge(
      resourceFromAttributes({ 'service.version': version, ...options.resource }),
    );
    this.#metrics =
      options.metrics && new OtlpMetrics(clock, log, { metrics, resource, version }, options.metrics);
    this.#traces = options.traces && new OtlpTraces(clock, log, { resource, version }, options.traces);
  }

  get tracing(): Tracing | undefined {
    return this.#traces;
  }

  record(metric: TaggedMetric, fields: ProxyEventFields): void {
    this.#metrics?.record(metric, fields);
  }

  /** Since when a receiver has been away, by the wall clock. */
  get failingSinceMs(): number | undefined {
    return this.#metrics?.failingSinceMs ?? this.#traces?.failingSinceMs;
  }

  /** Spans that were given up. Metrics never are: what did not arrive is in the next export. */
  get dropped(): number {
    return this.#traces?.dropped ?? 0;
  }

  open(): void {
    this.#metrics?.open();
  }

  /** Sends what there is still to be sent, for as long as somebody waits for it. */
  async close(): Promise<void> {
    await Promise.all([this.#metrics?.close(), this.#traces?.close()]);
  }

  breakOff(): void {
    this.#metrics?.breakOff();
    this.#traces?.breakOff();
  }
}
