// /metrics of a whole proxy: what clients and the origin did is in it, promtool accepts it, and no SDK key gets into it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskSdkKey, nameSdkKeys } from '../../src/domain/sdk-key.js';
import { eventually } from '../e2e/deadline.js';
import { FAILING } from '../fakes/origin-faults.js';
import { promtoolCheck, scrape } from '../fakes/metrics-page.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { start } from './started-proxy.js';

const SPEC = '/v1/download_config_specs';
const REQUESTS = 'sfp_http_request_duration_seconds_count';
const UPSTREAM = 'sfp_upstream_request_duration_seconds_count';

test('/metrics counts what was answered and what was fetched, and tells the age of what is held', async (t) => {
  const { origin, proxy } = await start(t, { args: ['-p', '1'] });
  const fresh = await scrape(proxy.adminUrl);
  assert.equal(fresh.sum(REQUESTS, `route="${SPEC}"`, 'code="200"'), 0);
  assert.equal(fresh.sum('sfp_specs_held'), 0);
  assert.equal(fresh.sum('sfp_id_list_file_fetches_total', 'outcome="failed"'), 0);
  assert.equal(fresh.sum('sfp_id_list_hits_total'), 0);
  assert.equal(fresh.sum('sfp_redis_up'), undefined, 'there is no Redis');
  assert.equal(fresh.sum('sfp_tls_certificate_expiry_timestamp_seconds'), undefined, 'there is no TLS');
  for (let index = 0; index < 3; index += 1) await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  await fetch(`${proxy.url}/v1/health`);
  await fetch(`${proxy.url}/no/such/route`);
  await fetch(`${proxy.url}${SPEC}/${'x'.repeat(300)}.json`);
  await eventually('a poll without news', async () => {
    const page = await scrape(proxy.adminUrl);
    return (page.sum(UPSTREAM, 'api="v1"', 'outcome="unchanged"') ?? 0) > 0;
  });
  const page = await scrape(proxy.adminUrl);
  assert.equal(page.sum(REQUESTS, `route="${SPEC}"`, 'method="GET"', 'code="200"'), 3);
  assert.equal(page.sum(REQUESTS, `route="${SPEC}"`, 'code="400"'), 1);
  assert.equal(page.sum(REQUESTS, 'route="none"', 'code="404"'), 1);
  assert.equal(page.sum(REQUESTS), 5, 'probes are not counted');
  assert.equal(page.sum(UPSTREAM, 'outcome="updated"'), 1);
  const labels = [`sdk_key="${maskSdkKey(SDK_KEY)}"`, 'api="v1"', 'format="json"'];
  assert.equal(page.sum('sfp_spec_version_timestamp_seconds', ...labels), origin.project.time / 1000);
  const confirmedS = page.sum('sfp_spec_confirmed_timestamp_seconds', ...labels) ?? 0;
  assert.ok(Math.abs(Date.now() / 1000 - confirmedS) < 5, String(confirmedS));
  assert.equal(page.sum('sfp_poll_interval_seconds', ...labels), 1);
  assert.equal(page.sum('sfp_ready'), 1);
  assert.equal(page.sum('sfp_build_info'), 1);
  assert.ok((page.sum('nodejs_eventloop_lag_p99_seconds') ?? -1) >= 0);
});

test('a key that has a name is labelled with it', async (t) => {
  t.after(() => {
    nameSdkKeys(new Map());
  });
  nameSdkKeys(new Map([[SDK_KEY, 'checkout']]));
  const { proxy } = await start(t, {});
  await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  assert.equal((await scrape(proxy.adminUrl)).sum('sfp_poll_interval_seconds', 'sdk_key="checkout"'), 10);
});

test('a change whose time lies ahead of this clock takes nothing from the sum of delays', async (t) => {
  const { origin, proxy } = await start(t, { args: ['-p', '1'] });
  const delays = 'sfp_spec_propagation_delay_seconds';
  await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  origin.project = { ...origin.project, time: Date.now() + 3_600_000 };
  await eventually('a newer version', async () => {
    return (await scrape(proxy.adminUrl)).sum(`${delays}_count`, 'api="v1"') === 1;
  });
  assert.equal((await scrape(proxy.adminUrl)).sum(`${delays}_sum`, 'api="v1"'), 0);
});

test('tables and problems are those of /status', async (t) => {
  const { origin, proxy } = await start(t, { args: ['-p', '1', '-m', '7'] });
  await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  origin.fault = FAILING.status_500;
  await eventually('a failing poll', async () => {
    return (await scrape(proxy.adminUrl)).sum('sfp_problems', 'reason="origin_failing"') === 1;
  });
  const page = await scrape(proxy.adminUrl);
  assert.equal(page.sum('sfp_table_entries', 'table="sdkKeys"'), 1);
  assert.equal(page.sum('sfp_table_entries_max', 'table="sdkKeys"'), 7);
  const failures = 'sfp_upstream_failures_total';
  assert.ok((page.sum(failures, 'api="v1"', 'reason="status_500"') ?? 0) > 0, page.text);
});

test('promtool has nothing to say about /metrics, before and after traffic', async (t) => {
  const { proxy } = await start(t, { mode: 'grpc-and-http' });
  assert.equal(promtoolCheck((await scrape(proxy.adminUrl)).text), '');
  await fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`);
  await fetch(`${proxy.url}/v1/log_event`, { method: 'POST', headers: { 'statsig-api-key': SDK_KEY } });
  const { text } = await scrape(proxy.adminUrl);
  assert.equal(promtoolCheck(text), '');
  assert.ok(!text.includes(SDK_KEY));
});

test('ten thousand invented keys and routes make no more series', async (t) => {
  const { proxy } = await start(t, {});
  const ask = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 50) {
      const asks = Array.from({ length: 50 }, (_, index) => [
        fetch(`${proxy.url}/invented/${at + index}`),
        fetch(`${proxy.url}${SPEC}/secret-invented${at + index}%20.json`),
      ]);
      for (const answer of await Promise.all(asks.flat())) await answer.arrayBuffer();
    }
  };
  await ask(0, 100);
  const before = await scrape(proxy.adminUrl);
  await ask(100, 5_000);
  const after = await scrape(proxy.adminUrl);
  assert.deepEqual(ofOurs(after.series), ofOurs(before.series));
});

function ofOurs(series: readonly string[]): readonly string[] {
  return series.filter((name) => name.startsWith('sfp_')).sort();
}
