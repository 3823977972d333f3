// What the proxy knows of its clients' versions, with unmodified SDKs: by polls of v1 and v2, and by a stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatsigServer } from 'statsig-node';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { scrape } from '../fakes/metrics-page.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
import { startCoreSdk } from './core-sdk.js';
import { eventually, within } from './deadline.js';

interface Counts {
  readonly instances: number;
  readonly newest: number;
  readonly older: number;
  readonly none: number;
}

interface Row extends Counts {
  readonly api: string;
  readonly format: string;
  readonly version: number;
  readonly updatedAfterS: Readonly<Record<'p50' | 'p90' | 'p99', number | null>>;
  readonly bySdk: readonly (Counts & { readonly sdk: string; readonly version: string })[];
}

type Clients = Counts & { readonly unnamedPolls: number; readonly byKey: readonly Row[] };

test('each SDK is an instance of what it asks for, and holds the new version once it has it', async (t) => {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', args: ['-p', '1'] });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  const legacy = new StatsigServer(SDK_KEY, {
    api: `${proxy.url}/v1`,
    rulesetsSyncIntervalMs: 5_000,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  t.after(() => legacy.shutdownAsync());
  await within(legacy.initializeAsync(), 'legacy SDK');
  await startCoreSdk(t, proxy.url, SDK_KEY);
  await startCoreSdk(t, 'http://127.0.0.1:9', SDK_KEY, {
    specAdaptersConfig: [
      {
        adapterType: 'network_grpc_websocket',
        specsUrl: `http://${proxy.grpcAddress}`,
        initTimeoutMs: 10_000,
      },
    ],
  });
  await fetch(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`);
  const clients = async (): Promise<Clients> => {
    const answer = await fetch(`${proxy.adminUrl}/status?keys=`);
    return ((await answer.json()) as { readonly clients: Clients }).clients;
  };
  const allHold = (version: number): Promise<void> =>
    eventually(`three clients with ${version}`, async () => {
      const { newest, byKey } = await clients();
      return newest === 3 && byKey.every((row) => row.version === version);
    });
  await allHold(origin.project.time);
  const first = await clients();
  assert.equal(first.instances, 3, 'what names no session is none');
  assert.equal(first.unnamedPolls, 1);
  const rows = first.byKey.map(({ api, format, bySdk }) => [api, format, ...bySdk.map(({ sdk }) => sdk)]);
  assert.deepEqual(rows.sort(), [
    ['v1', 'json', 'statsig-node'],
    ['v2', 'json', 'tonic'],
    ['v2', 'protobuf', 'statsig-server-core-node'],
  ]);
  for (const { bySdk } of first.byKey) assert.match(bySdk[0]?.version ?? '', /^\d+\.\d+\.\d+/);

  origin.project = { ...origin.project, time: origin.project.time + 60_000 };
  await allHold(origin.project.time);
  for (const { api, updatedAfterS } of (await clients()).byKey) {
    const { p50, p99 } = updatedAfterS;
    assert.ok(p50 !== null && p50 < 30, api);
    assert.equal(p99, p50, 'there is one of each');
  }
  const page = await scrape(proxy.adminUrl);
  for (const sdk of ['statsig-node', 'statsig-server-core-node', 'tonic'])
    assert.equal(page.sum('sfp_clients', `sdk="${sdk}"`, 'version_held="newest"'), 1, sdk);
  assert.equal(page.sum('sfp_clients', 'version_held="older"'), 0);
  assert.equal(page.sum('sfp_client_update_delay_seconds_count', 'api="v1"'), 1);
  assert.equal(page.sum('sfp_client_update_delay_seconds_count', 'api="v2"'), 2);
});
