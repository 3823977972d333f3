// Measured series as OpenTelemetry's SDK wants them: sums since the start, or since the last export that arrived.
import { ValueType, type Attributes, type HrTime } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { Instrument } from '../instrument.js';
import type { Cell } from '../series.js';
import type { Temporality } from './otlp-options.js';

/** A cell under the attributes that it has there. */
export interface Point {
  readonly attributes: Attributes;
  readonly cell: Cell;
  /** Since when it counts, by the wall clock. */
  readonly startMs: number;
}

/** What one instrument measured. */
export interface Measured {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: Instrument['type'];
  readonly bounds: readonly number[];
  /** Read for this export, where others are fed by events. */
  readonly isRead: boolean;
  readonly points: readonly Point[];
}

/** The numbers of a cell when they were sent. */
interface Sent {
  /** Of its cell: one of the same attributes that began later is another. */
  readonly startMs: number;
  readonly numbers: Float64Array;
  readonly atMs: number;
}

/** What is said of a cell in one export. */
interface Counted {
  readonly attributes: Attributes;
  readonly numbers: Float64Array;
  readonly sinceMs: number;
}

/** To be sent, and `arrived` to be called when it was. */
export interface Export {
  readonly metrics: MetricData[];
  readonly arrived: () => void;
}

/** Makes exports; remembers what arrived of sums that start anew with each. */
export class MetricExports {
  readonly #temporality: Temporality;
  #arrived = new Map<string, Sent>();

  constructor(temporality: Temporality) {
    this.#temporality = temporality;
  }

  /** Where the former export did not arrive, this one holds what that held. */
  next(measured: readonly Measured[], nowMs: number): Export {
    const sent = new Map<string, Sent>();
    const metrics = measured.map((each) => this.#toMetric(each, nowMs, sent));
    return {
      metrics: metrics.filter(({ dataPoints }) => dataPoints.length > 0),
      arrived: () => {
        this.#arrived = sent;
      },
    };
  }

  #toMetric(measured: Measured, nowMs: number, sent: Map<string, Sent>): MetricData {
    const { name, description, unit, type, bounds } = measured;
    const isDelta = this.#isDelta(measured);
    const aggregationTemporality = isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
    const base = {
      descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
      aggregationTemporality,
    };
    const counted = measured.points.map((point) =>
      isDelta ? this.#sinceArrival(name, point, nowMs, sent) : toCounted(point),
    );
    const endTime = toTime(nowMs);
    const toPoint = <Value>({ sinceMs, attributes }: Counted, value: Value): DataPoint<Value> => ({
      startTime: toTime(sinceMs),
      endTime,
      attributes,
      value,
    });
    const changed = isDelta ? counted.filter(({ numbers }) => numbers.some((value) => value !== 0)) : counted;
    switch (type) {
      case 'gauge':
        return {
          ...base,
          dataPointType: DataPointType.GAUGE,
          dataPoints: changed.map((each) => toPoint(each, each.numbers[0] as number)),
        };
      case 'counter':
        return {
          ...base,
          dataPointType: DataPointType.SUM,
          isMonotonic: true,
          dataPoints: changed.map((each) => toPoint(each, each.numbers[0] as number)),
        };
      case 'histogram':
        return {
          ...base,
          dataPointType: DataPointType.HISTOGRAM,
          dataPoints: changed.map((each) => {
            const [sum = 0, ...counts] = each.numbers;
            const count = counts.reduce((all, some) => all + some, 0);
            return toPoint(each, { buckets: { boundaries: [...bounds], counts }, sum, count });
          }),
        };
    }
  }

  #sinceArrival(name: string, point: Point, nowMs: number, sent: Map<string, Sent>): Counted {
    const key = `${name}\n${point.cell.labels.join('\n')}`;
    const counted = toCounted(point);
    const { numbers } = counted;
    sent.set(key, { startMs: point.startMs, numbers, atMs: nowMs });
    const former = this.#arrived.get(key);
    if (former?.startMs !== point.startMs) return counted;
    return {
      ...counted,
      numbers: numbers.map((value, at) => value - (former.numbers[at] as number)),
      sinceMs: former.atMs,
    };
  }

  #isDelta({ type, isRead }: Measured): boolean {
    if (type === 'gauge') return false;
    return this.#temporality === 'delta' || (this.#temporality === 'lowmemory' && !isRead);
  }
}

function toCounted({ attributes, cell, startMs }: Point): Counted {
  return { attributes, numbers: cell.snapshot(), sinceMs: startMs };
}

function toTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
