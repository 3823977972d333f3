// What is measured of gRPC: streams from their first message to their end, with the reason, what was sent, and single calls.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../../e2e/deadline.js';
import { scrape, type MetricsPage } from '../../fakes/metrics-page.js';
import { SDK_KEY } from '../../fakes/proxy.js';
import { startScene } from './grpc-scene.js';

const REFUSED = 'secret-refusedkey0123456789';

it('counts streams and messages, why streams end, and why they are not opened', async (t) => {
  const scene = await startScene(t, { args: ['-g', '2'] });
  scene.origin.refusedKeys.add(REFUSED);
  const page = (): Promise<MetricsPage> => scrape(scene.proxy.adminUrl);
  const reaches = async (value: number, name: string, ...labels: string[]): Promise<void> =>
    eventually(`${value} in ${name}`, async () => (await page()).sum(name, ...labels) === value);

  const leaving = scene.client().stream({ sdkKey: SDK_KEY });
  const staying = scene.client().stream({ sdkKey: SDK_KEY });
  await Promise.all([leaving.received(1), staying.received(1)]);
  await reaches(2, 'sfp_grpc_streams_opened_total');
  assert.equal((await page()).sum('sfp_grpc_streams'), 2);
  assert.equal((await page()).sum('sfp_grpc_streams_max'), 2);
  await scene.client().stream({ sdkKey: SDK_KEY }).end();
  await reaches(1, 'sfp_grpc_streams_refused_total', 'reason="limit_reached"');
  await scene.client().stream({ sdkKey: REFUSED }).end();
  await reaches(1, 'sfp_grpc_streams_refused_total', 'reason="refused"');
  await scene.update();
  await reaches(2, 'sfp_grpc_messages_sent_total', 'kind="update"');
  await reaches(2, 'sfp_grpc_messages_sent_total', 'kind="first"');
  // The first version too: clients subscribe before they read.
  await reaches(2, 'sfp_stream_updates_published_total', 'api="v1"');
  leaving.cancel();
  await reaches(1, 'sfp_grpc_streams_closed_total', 'reason="client_gone"');
  scene.clock.advance(31_000);
  await reaches(1, 'sfp_grpc_messages_sent_total', 'kind="heartbeat"');
  await scene.client().getConfigSpec({ sdkKey: SDK_KEY });
  await scene.client().getConfigSpec({});
  await reaches(1, 'sfp_grpc_call_duration_seconds_count', 'method="getConfigSpec"', 'code="0"');
  await reaches(1, 'sfp_grpc_call_duration_seconds_count', 'method="getConfigSpec"', 'code="3"');
});

it('measures the delay of a change that replaces a version, and not of a first one', async (t) => {
  const scene = await startScene(t);
  await scene.client().stream({ sdkKey: SDK_KEY }).received(1);
  const delays = async (): Promise<number | undefined> =>
    (await scrape(scene.proxy.adminUrl)).sum('sfp_spec_propagation_delay_seconds_count', 'api="v1"');
  assert.equal(await delays(), 0);
  await scene.update();
  assert.equal(await delays(), 1);
  assert.equal((await scrape(scene.proxy.adminUrl)).sum('sfp_spec_versions_held_total', 'api="v1"'), 2);
});
