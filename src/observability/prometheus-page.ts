// Everything measured as Prometheus' text, with the process' own metrics beside it; the one door to prom-client.
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import type { Instrument } from './instrument.js';
import type { Metrics } from './metrics.js';
import type { Cell, LabelValue, Series } from './series.js';

/** Gauges called counters: each is the sum of another that is there with labels. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, LabelValue>>;
  readonly value: number;
}

/**
 * Series are kept by us, as prom-client makes an object and a string for every value it is given, and has no way in for
 * counts that are there already; it writes them down.
 */
export class PrometheusPage {
  readonly #metrics: Metrics;
  readonly #process = new Registry();
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    collectDefaultMetrics({ register: this.#process });
    for (const name of MISNAMED) this.#process.removeSingleMetric(name);
  }

  async text(): Promise<string> {
    const registry = new Registry();
    for (const series of this.#metrics.read()) registry.registerMetric(toMetric(series));
    return (await registry.metrics()) + (await this.#process.metrics());
  }
}

/** Of a metric the registry asks for its name and its values. */
function toMetric({ instrument, cells }: Series): Metric {
  const { name, help, type } = instrument;
  const values = cells.flatMap((cell) => toSamples(instrument, cell));
  return { name, get: () => Promise.resolve({ name, help, type, values }) } as unknown as Metric;
}

function toSamples({ name, type, labels, bounds = [] }: Instrument, cell: Cell): Sample[] {
  const named = Object.fromEntries(labels.map((label, at) => [label, cell.labels[at] as LabelValue]));
  return type === 'histogram'
    ? toHistogram(name, named, cell, bounds)
    : [{ metricName: name, labels: named, value: cell.value }];
}

function toHistogram(
  name: string,
  labels: Sample['labels'],
  { counts, value: sum }: Cell,
  bounds: readonly number[],
): Sample[] {
  let count = 0;
  const buckets = [...bounds, '+Inf'].map((le, at) => {
    count += counts[at] as number;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
