// A million invented keys and ten thousand SDK sessions, as events and readings: series, tags and memory stay bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { clientFeature } from '../../src/app/clients.js';
import { readInstruments as to } from '../../src/observability/instruments.js';
import { Metrics } from '../../src/observability/metrics.js';
import { PrometheusPage } from '../../src/observability/prometheus-page.js';
import { SfpSeries } from '../../src/observability/otlp/sfp-series.js';
import { SdkKeyForms } from '../../src/observability/sdk-key-forms.js';
import { LABEL_VALUES_MAX } from '../../src/observability/series.js';
import { SfpEvents } from '../../src/observability/sfp-events.js';
import { SfpTags } from '../../src/observability/sfp-tags.js';
import { StatsdSink } from '../../src/observability/statsd/statsd-sink.js';
import { ClientCensus } from '../../src/protocols/statsig/clients/client-census.js';
import { createTestLog } from '../fakes/log-sink.js';
import { heldVersion } from '../fakes/stream-harness.js';
import { ManualClock } from '../fakes/manual-clock.js';

const KEYS = 1_000_000;
const SESSIONS = 10_000;

/** Its datagrams get nowhere, and nothing of them is kept. */
function statsdTo(clock: ManualClock): StatsdSink {
  const sender = {
    send: (_datagram: Buffer, done: () => void) => {
      done();
    },
    close: () => undefined,
  };
  const limits = { datagramBytesMax: 8_000, datagramMs: 1_000, sumMs: 10_000, sumsMax: 1_000 };
  const options = { isDatadog: false, address: 'x', globalTags: [], retriesMax: 0, firstRetryMs: 1 };
  return new StatsdSink(clock, createTestLog(), sender, { ...limits, ...options });
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('a million invented keys make no more series, and no more tags than 200 of each kind', async () => {
  const metrics = new Metrics({ api: ['v1'], route: ['/v1/x'], method: ['GET'], code: [200] });
  const clock = new ManualClock();
  const tags = new SfpTags(new SdkKeyForms('sfp'));
  const series = new SfpSeries(clock);
  const seen = new Set<string>();
  const events = new SfpEvents(tags, [
    series,
    statsdTo(clock),
    {
      record: (metric) => {
        for (const tag of metric.tags) seen.add(tag);
      },
    },
  ]);
  const told = (from: number, count: number): void => {
    for (let at = from; at < from + count; at += 1) {
      const own = `invented${at}`;
      const sdkKey = `secret-${own}${'x'.repeat(30)}`;
      const client = { sdkType: own, sdkVersion: own, clientService: own };
      const fields = { sdkKey, route: 'none', method: 'GET', status: 404, latencyMs: 1, ...client };
      metrics.record('HttpServerRequestFailed', fields);
      if (at % 10 === 0) events.record('HttpServerRequestFailed', fields);
    }
  };
  told(0, 10_000);
  const [page, heap] = [await new PrometheusPage(metrics).text(), heapAfterCollection()];
  const tagsBefore = seen.size;
  told(10_000, KEYS);
  assert.equal(
    (await new PrometheusPage(metrics).text()).match(/^sfp_/gm)?.length,
    page.match(/^sfp_/gm)?.length,
  );
  assert.equal(seen.size, tagsBefore);
  // SDK keys, types, versions and services; path, lcut and status.
  assert.ok(seen.size <= 4 * (LABEL_VALUES_MAX + 1) + 3, String(seen.size));
  const points = series.measured().reduce((sum, measured) => sum + measured.points.length, 0);
  assert.ok(points <= 2_000, `${points} sets of attributes for OpenTelemetry`);
  assert.ok(heapAfterCollection() - heap < 5e6);
});

test('ten thousand sessions of a thousand kinds make a bounded number of series', () => {
  const clock = new ManualClock();
  const census = new ClientCensus(clock, { record: () => undefined });
  const held = heldVersion(2);
  census.updated(held);
  for (let at = 0; at < SESSIONS; at += 1) {
    census.polled(held, at % 3, at % 3 < 2, `s${at}`, `sdk${at % 1_000}`, '1');
  }
  const metrics = new Metrics({});
  const { readings, status } = clientFeature(clock, census);
  assert.ok(readings !== undefined);
  metrics.addReader(readings);
  const cells = metrics.read().find(({ instrument }) => instrument === to.clients)?.cells ?? [];
  assert.ok(cells.length <= 3 * (LABEL_VALUES_MAX + 1), String(cells.length));
  assert.equal(
    cells.reduce((sum, { value }) => sum + value, 0),
    SESSIONS,
  );
  const of = (name: string): number =>
    cells.filter(({ labels }) => labels[1] === name).reduce((sum, { value }) => sum + value, 0);
  assert.deepEqual([of('none'), of('older'), of('newest')], [3_334, 3_333, 3_333]);
  assert.ok(JSON.stringify(status?.(() => true)).length < 50_000);
});
