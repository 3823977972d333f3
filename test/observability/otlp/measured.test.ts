// Exports of what was measured: what did not arrive is in the next one, whatever is lost in between, and nothing is there twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { MetricExports, type Measured } from '../../../src/observability/otlp/measured.js';
import { Cell } from '../../../src/observability/series.js';

function measured(type: Measured['type'], cell: Cell, startMs = 0, isRead = false): Measured {
  const points = [{ attributes: { a: 'b' }, cell, startMs }];
  return { name: 'm', description: '', unit: '', type, bounds: [1, 2], isRead, points };
}

function numberOf(metrics: readonly MetricData[]): number {
  const [metric] = metrics;
  const value = metric?.dataPoints[0]?.value ?? 0;
  return typeof value === 'number' ? value : (value.sum ?? NaN);
}

test('what arrives of a count adds up to what was counted, whichever exports are lost', () => {
  const rounds = fc.array(fc.record({ adds: fc.nat(100), arrives: fc.boolean() }), { minLength: 1 });
  fc.assert(
    fc.property(rounds, (steps) => {
      const cell = new Cell([], []);
      const exports = new MetricExports('delta');
      let arrived = 0;
      let counted = 0;
      for (const [at, { adds, arrives }] of [...steps, { adds: 0, arrives: true }].entries()) {
        cell.value += adds;
        counted += adds;
        const next = exports.next([measured('counter', cell)], at);
        if (!arrives) continue;
        arrived += numberOf(next.metrics);
        next.arrived();
        assert.equal(arrived, counted);
      }
    }),
  );
});

test('a histogram that starts anew has only what is new, and nothing is sent where nothing is', () => {
  const cell = new Cell([], [1, 2]);
  const exports = new MetricExports('delta');
  cell.observe(0.5);
  exports.next([measured('histogram', cell)], 1_000).arrived();
  cell.observe(1.5);
  cell.observe(9);
  const next = exports.next([measured('histogram', cell)], 2_000);
  const [metric] = next.metrics;
  assert.equal(metric?.dataPointType, DataPointType.HISTOGRAM);
  assert.deepEqual(metric.dataPoints[0], {
    attributes: { a: 'b' },
    startTime: [1, 0],
    endTime: [2, 0],
    value: { buckets: { boundaries: [1, 2], counts: [0, 1, 1] }, sum: 10.5, count: 2 },
  });
  next.arrived();
  assert.deepEqual(exports.next([measured('histogram', cell)], 3_000).metrics, []);
});

test('a cell that began anew is another, though its attributes are the same', () => {
  const exports = new MetricExports('delta');
  const former = new Cell([], []);
  former.value = 10;
  exports.next([measured('counter', former, 1)], 2).arrived();
  const later = new Cell([], []);
  later.value = 3;
  assert.equal(numberOf(exports.next([measured('counter', later, 5)], 6).metrics), 3);
});

test('sums since the start are sent whole each time, and gauges as they are', () => {
  for (const [temporality, type, isRead] of [
    ['cumulative', 'counter', false],
    ['lowmemory', 'counter', true],
    ['delta', 'gauge', true],
  ] as const) {
    const cell = new Cell([], []);
    cell.value = 7;
    const exports = new MetricExports(temporality);
    exports.next([measured(type, cell, 0, isRead)], 1).arrived();
    assert.equal(numberOf(exports.next([measured(type, cell, 0, isRead)], 2).metrics), 7);
  }
});
