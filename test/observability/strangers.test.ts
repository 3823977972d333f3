// A million invented keys and ten thousand SDK sessions, as events and readings: series, tags and memory stay bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { clientFeature } from '../../src/app/clients.js';
import { readInstruments as to } from '../../src/observability/instruments.js';
import { Metrics } from '../../src/observability/metrics.js';
import { PrometheusPage } from '../../src/observability/prometheus-page.js';
import { SdkKeyForms } from '../../src/observability/sdk-key-forms.js';
import { LABEL_VALUES_MAX } from '../../src/observability/series.js';
import { SfpTags } from '../../src/observability/sfp-tags.js';
import { ClientCensus } from '../../src/protocols/statsig/clients/client-census.js';
import { heldVersion } from '../fakes/stream-harness.js';
import { ManualClock } from '../fakes/manual-clock.js';

const KEYS = 1_000_000;
const SESSIONS = 10_000;

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('a million invented keys make no more series, and no more tags than 200 of each kind', async () => {
  const metrics = new Metrics({ api: ['v1'], route: ['/v1/x'], method: ['GET'], code: [200] });
  const tags = new SfpTags(new SdkKeyForms('sfp'));
  const seen = new Set<string>();
  const told = (from: number, count: number): void => {
    for (let at = from; at < from + count; at += 1) {
      const own = `invented${at}`;
      const sdkKey = `secret-${own}${'x'.repeat(30)}`;
      const client = { sdkType: own, sdkVersion: own, clientService: own };
      const fields = { sdkKey, route: 'none', method: 'GET', status: 404, latencyMs: 1, ...client };
      metrics.record('HttpServerRequestFailed', fields);
      if (at % 10 === 0) for (const tag of tags.of('HttpServerRequestFailed', fields).tags) seen.add(tag);
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
