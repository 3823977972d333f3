// What events do to series: known ones are there at zero, values add up, labels are bounded, and nothing is made per event.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { catalogue, LABEL_VALUES, type CatalogueRow } from '../../src/observability/catalogue.js';
import { eventInstruments, instruments, readInstruments as to } from '../../src/observability/instruments.js';
import { Metrics } from '../../src/observability/metrics.js';
import { PrometheusPage } from '../../src/observability/prometheus-page.js';
import { LABEL_VALUES_MAX } from '../../src/observability/series.js';

const ROUND = 50_000;
const KNOWN = { api: ['v1', 'v2'], route: ['/v1/x'], method: ['GET'], code: [200, 503] };

function valueOf(
  metrics: Metrics,
  name: string,
  ...labels: readonly (string | number)[]
): number | undefined {
  const series = metrics.read().find(({ instrument }) => instrument.name === name);
  return series?.cells.find((cell) => cell.labels.join() === labels.join())?.value;
}

function cellsOf(metrics: Metrics, name: string): number {
  return metrics.read().find(({ instrument }) => instrument.name === name)?.cells.length ?? 0;
}

describe('the catalogue', () => {
  it('feeds every instrument that events feed, and has every label of it', () => {
    const rows: readonly CatalogueRow[] = Object.values(catalogue);
    const feeds = rows.flatMap((row) => row.feeds);
    assert.deepEqual(
      new Set(feeds.map(({ instrument }) => instrument)),
      new Set(Object.values(eventInstruments)),
    );
    for (const { instrument, fixed } of feeds) {
      for (const label of instrument.labels) {
        assert.ok(
          fixed[label] !== undefined || LABEL_VALUES[label] !== undefined,
          `${instrument.name}: ${label}`,
        );
      }
    }
  });

  it('names instruments as Prometheus wants them', () => {
    assert.equal(new Set(instruments.map(({ name }) => name)).size, instruments.length);
    for (const { name, type, bounds } of instruments) {
      assert.match(name, /^sfp_[a-z]+(?:_[a-z]+)*$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.equal(bounds !== undefined, type === 'histogram', name);
      assert.deepEqual(
        [...(bounds ?? [])].sort((left, right) => left - right),
        bounds ?? [],
      );
    }
  });
});

describe('series', () => {
  it('are there from the start where their labels are known', () => {
    const metrics = new Metrics(KNOWN);
    assert.equal(valueOf(metrics, 'sfp_redis_operations_total', 'read', 'missing'), 0);
    assert.equal(valueOf(metrics, 'sfp_upstream_request_duration_seconds', 'v2', 'unchanged'), 0);
    assert.equal(valueOf(metrics, 'sfp_http_request_duration_seconds', '/v1/x', 'GET', 503), 0);
    assert.equal(valueOf(metrics, 'sfp_log_events_deduplicated_total'), 0);
  });

  it('count one for an event, or as much as it says, and take latencies in seconds', () => {
    const metrics = new Metrics(KNOWN);
    metrics.record('RedisCacheReadMiss', { latencyMs: 2 });
    metrics.record('RedisCacheReadMiss', { latencyMs: 3 });
    metrics.record('LogEventStoreDeduped', { events: 7 });
    metrics.record('LogEventStoreDeduped', { events: 0 });
    assert.equal(valueOf(metrics, 'sfp_redis_operations_total', 'read', 'missing'), 2);
    assert.equal(valueOf(metrics, 'sfp_redis_operation_duration_seconds', 'read'), 0.005);
    assert.equal(valueOf(metrics, 'sfp_log_events_deduplicated_total'), 7);
  });

  it('leave out an event that lacks a label: a probe is no request', () => {
    const metrics = new Metrics(KNOWN);
    const before = cellsOf(metrics, 'sfp_http_request_duration_seconds');
    metrics.record('HttpServerRequestSuccess', {
      route: undefined,
      method: 'GET',
      status: 200,
      latencyMs: 1,
    });
    assert.equal(cellsOf(metrics, 'sfp_http_request_duration_seconds'), before);
  });

  it('are bounded: values of a label beyond the limit count as other', () => {
    const metrics = new Metrics({});
    for (let index = 0; index < 10 * LABEL_VALUES_MAX; index += 1) {
      metrics.record('HttpDataProviderError', { api: 'v1', reason: `reason ${index}`, outcome: 'failed' });
    }
    assert.equal(cellsOf(metrics, 'sfp_upstream_failures_total'), LABEL_VALUES_MAX + 1);
    assert.equal(valueOf(metrics, 'sfp_upstream_failures_total', 'v1', 'other'), 9 * LABEL_VALUES_MAX);
  });

  it('of readings with the same labels show the worst, or the sum', () => {
    const metrics = new Metrics({});
    metrics.addReader((write) => {
      write(to.specConfirmed, 20, 'secret-abcd***', 'v1', 'json');
      write(to.specConfirmed, 10, 'secret-abcd***', 'v1', 'json');
      write(to.specBytes, 5, 'secret-abcd***', 'v1', 'json');
      write(to.specBytes, 6, 'secret-abcd***', 'v1', 'json');
    });
    assert.equal(valueOf(metrics, to.specConfirmed.name, 'secret-abcd***', 'v1', 'json'), 10);
    assert.equal(valueOf(metrics, to.specBytes.name, 'secret-abcd***', 'v1', 'json'), 11);
    assert.equal(
      valueOf(metrics, to.specBytes.name, 'secret-abcd***', 'v1', 'json'),
      11,
      'read anew each time',
    );
  });
});

describe('recording', () => {
  it('makes no object and no text where the series is there', () => {
    const metrics = new Metrics(KNOWN);
    const fields = { route: '/v1/x', method: 'GET', status: 200, latencyMs: 0.4 };
    const record = (): number => {
      const before = process.memoryUsage().heapUsed;
      for (let index = 0; index < ROUND; index += 1) metrics.record('HttpServerRequestSuccess', fields);
      return (process.memoryUsage().heapUsed - before) / ROUND;
    };
    // The first rounds are not compiled yet, and a collection makes one less than 0. 16 bytes are a number that V8 boxes,
    // which depends on what it inlines; an array of three labels has 40.
    const perEvent = Array.from({ length: 20 }, record).filter((bytes) => bytes >= 0);
    assert.ok(Math.min(...perEvent) < 24, perEvent.join());
  });
});

describe('the page', () => {
  it('writes histograms with cumulative buckets, a sum and a count', async () => {
    const metrics = new Metrics({});
    for (const latencyMs of [0.4, 0.5, 3, 99_000]) {
      metrics.record('HttpServerRequestSuccess', {
        route: '/v1/"x"\\',
        method: 'GET',
        status: 200,
        latencyMs,
      });
    }
    const page = new PrometheusPage(metrics);
    assert.equal(page.contentType, Registry.PROMETHEUS_CONTENT_TYPE);
    const lines = (await page.text()).split('\n');
    const of = (suffix: string): string[] =>
      lines.filter((line) => line.startsWith(`sfp_http_request_duration_seconds_${suffix}`));
    const labels = 'route="/v1/\\"x\\"\\\\",method="GET",code="200"';
    assert.equal(of('bucket')[0], `sfp_http_request_duration_seconds_bucket{${labels},le="0.0005"} 2`);
    assert.equal(of('bucket')[3], `sfp_http_request_duration_seconds_bucket{${labels},le="0.005"} 3`);
    assert.equal(of('bucket').at(-1), `sfp_http_request_duration_seconds_bucket{${labels},le="+Inf"} 4`);
    assert.deepEqual(of('count'), [`sfp_http_request_duration_seconds_count{${labels}} 4`]);
    assert.match(of('sum')[0] ?? '', / 99\.0039$/);
    assert.ok(lines.includes('# TYPE sfp_http_request_duration_seconds histogram'));
    assert.ok(lines.includes('# TYPE process_cpu_seconds_total counter'));
  });
});
