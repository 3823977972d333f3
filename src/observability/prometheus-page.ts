// Everything measured as Prometheus' text, with the process' own metrics beside it; the one door to prom-client.
import type { Metric, Registry } from 'prom-client';
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
  #writing: Promise<Writing> | undefined;
  /** As prom-client has it, which is loaded later. */
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  async text(): Promise<string> {
    // By the first who looks: loading it takes 40 ms of CPU, which nobody should wait for at a start.
    const { createRegistry, process } = await (this.#writing ??= loadWriting());
    const registry = createRegistry();
    for (const series of this.#metrics.read()) registry.registerMetric(toMetric(series));
    return (await registry.metrics()) + (await process.metrics());
  }
}

interface Writing {
  readonly createRegistry: () => Registry;
  /** With the process' own metrics, which count from now on. */
  readonly process: Registry;
}

async function loadWriting(): Promise<Writing> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  for (const name of MISNAMED) process.removeSingleMetric(name);
  return { createRegistry: () => new Registry(), process };
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
