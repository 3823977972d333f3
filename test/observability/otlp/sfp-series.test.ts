// Events by SFP's tags: bounded whatever versions clients name, and forgotten when nothing has come for a while.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SfpSeries } from '../../../src/observability/otlp/sfp-series.js';
import type { Measured } from '../../../src/observability/otlp/measured.js';
import { SdkKeyForms } from '../../../src/observability/sdk-key-forms.js';
import { SfpEvents } from '../../../src/observability/sfp-events.js';
import { SfpTags } from '../../../src/observability/sfp-tags.js';
import { ManualClock } from '../../fakes/manual-clock.js';

const GOT_DATA = 'statsig.forward_proxy.HttpDataProviderGotData.latency';
const QUARTER_HOUR_MS = 900_000;

interface Bench {
  readonly clock: ManualClock;
  readonly events: SfpEvents;
  readonly series: SfpSeries;
}

function open(): Bench {
  const clock = new ManualClock();
  const series = new SfpSeries(clock);
  return { clock, series, events: new SfpEvents(new SfpTags(new SdkKeyForms('sfp')), [series]) };
}

function points(series: SfpSeries, name: string): Measured['points'] {
  return series.measured().find((measured) => measured.name === name)?.points ?? [];
}

test('an instrument has 2000 sets of attributes at most; what comes beyond is counted together', () => {
  const { events, series } = open();
  for (let lcut = 1; lcut <= 5_000; lcut += 1)
    events.record('HttpDataProviderGotData', { lcut, latencyMs: 1 });
  const all = points(series, GOT_DATA);
  assert.equal(all.length, 2_000);
  const beyond = all.filter(({ attributes }) => attributes['otel.metric.overflow'] === true);
  assert.deepEqual(
    beyond.map(({ cell }) => cell.value),
    [5_000 - 1_999],
  );
});

test('a set that nothing comes for is forgotten after a quarter of an hour of exports that arrive', () => {
  const { clock, events, series } = open();
  events.record('HttpDataProviderGotData', { lcut: 1, latencyMs: 1 });
  events.record('HttpDataProviderGotData', { lcut: 2, latencyMs: 1 });
  series.forgetOld();
  clock.advance(QUARTER_HOUR_MS - 1);
  events.record('HttpDataProviderGotData', { lcut: 2, latencyMs: 1 });
  series.forgetOld();
  assert.equal(points(series, GOT_DATA).length, 2);
  clock.advance(1);
  series.forgetOld();
  assert.deepEqual(
    points(series, GOT_DATA).map(({ attributes }) => attributes['lcut']),
    ['2'],
  );
  events.record('HttpDataProviderGotData', { lcut: 1, latencyMs: 1 });
  const again = points(series, GOT_DATA).find(({ attributes }) => attributes['lcut'] === '1');
  assert.equal(again?.startMs, clock.nowMs());
});

test('counts are summed, of a gauge the last value stays, and events that SFP does not know are none', () => {
  const { events, series } = open();
  events.record('LogEventStoreDeduped', { events: 3 });
  events.record('LogEventStoreDeduped', { events: 4 });
  events.record('GrpcEstimatedActiveStreams', { value: 9 });
  events.record('GrpcEstimatedActiveStreams', { value: 2 });
  events.record('GrpcCallAnswered', { method: 'x', status: 0, latencyMs: 1 });
  assert.equal(points(series, 'statsig.forward_proxy.LogEventStoreDeduped.count')[0]?.cell.value, 7);
  assert.equal(points(series, 'statsig.forward_proxy.GrpcEstimatedActiveStreams.gauge')[0]?.cell.value, 2);
  assert.equal(
    series.measured().some(({ name }) => name.includes('GrpcCallAnswered')),
    false,
  );
});
