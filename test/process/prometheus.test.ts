// A real Prometheus that scrapes a proxy under traffic: every panel of the board has data, and every alert can be evaluated.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PROMETHEUS_PANELS, STATSD_PANELS } from '../../scripts/boards.js';
import { startCoreSdk } from '../e2e/core-sdk.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { FAILING } from '../fakes/origin-faults.js';
import { freePort } from '../fakes/free-port.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { startStatsdExporter } from '../fakes/statsd-exporter.js';
import { batchText, gateExposure } from '../protocols/statsig/log-events/event-bodies.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const RULES = new URL('../../deploy/prometheus/rules.yaml', import.meta.url).pathname;
const JOB = 'spec-forward-proxy';

interface Answer {
  readonly data: { readonly result: readonly unknown[] };
}

interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly {
        readonly name: string;
        readonly health: string;
        readonly lastError?: string;
      }[];
    }[];
  };
}

/** Gives its address. */
async function startPrometheus(t: TestContext, target: string, exporter: string): Promise<string> {
  const [folder, port] = [makeTemporaryFolder('prometheus'), await freePort()];
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    scrape_configs: [
      { job_name: JOB, static_configs: [{ targets: [target] }] },
      { job_name: 'statsd', static_configs: [{ targets: [exporter] }] },
    ],
  };
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    '--config.file=prometheus.yml',
    '--storage.tsdb.path=data',
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', args, { cwd: folder, stdio: 'ignore' });
  t.after(() => child.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually('Prometheus', async () => {
    const ready = await fetch(`${url}/-/ready`).catch(() => undefined);
    return ready?.status === 200;
  });
  return url;
}

function queriesOf<Query>(panels: readonly { readonly queries: readonly Query[] }[]): Query[] {
  return panels.flatMap(({ queries }) => queries);
}

test('every panel has data, and every alert is evaluated', async (t) => {
  const origin = await startFakeOrigin();
  const [redis, exporter] = [await startRedisServer(t), await startStatsdExporter()];
  const quick = ['--dogstatsd-max-time-ms', '20', '--datadog-max-batch-time-ms', '100'];
  const versions = ['--config-spec-current-lcut-sampling-interval-in-s', '1'];
  const proxy = await startProxy({
    origin: origin.url,
    mode: 'grpc-and-http',
    cache: 'redis',
    args: [
      '-p',
      '1',
      '--statsd-logging',
      '--statsd-port',
      String(exporter.port),
      ...quick,
      ...versions,
      '--log-event-store',
      'redis',
    ],
    env: { REDIS_URL: redis.url },
  });
  const client = new GrpcClient(proxy.grpcAddress);
  t.after(async () => {
    client.close();
    await proxy.app.stop();
    await Promise.all([origin.close(), exporter.close()]);
  });
  const url = await startPrometheus(t, new URL(proxy.adminUrl).host, exporter.target);
  await startCoreSdk(t, proxy.url, SDK_KEY);
  client.stream({ sdkKey: SDK_KEY });
  const query = async (expr: string): Promise<number> => {
    const filled = expr
      .replaceAll('$__rate_interval', '20s')
      .replaceAll('$job', JOB)
      .replaceAll('$instance', '.*')
      .replaceAll('$pod_name', '.*');
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(filled)}`);
    return ((await answer.json()) as Answer).data.result.length;
  };
  let changedAtMs = 0;
  const traffic = async (): Promise<void> => {
    await fetch(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`);
    // Between two changes there are polls that find none.
    if (performance.now() - changedAtMs < 3_000) return;
    changedAtMs = performance.now();
    origin.project = { ...origin.project, time: origin.project.time + 1 };
  };
  const hasData = (expr: string): Promise<void> =>
    eventually(`data of ${expr}`, async () => {
      await traffic();
      return (await query(expr)) > 0;
    });
  for (const { expr } of queriesOf(PROMETHEUS_PANELS)) await hasData(expr);
  const evaluated = async (): Promise<RulesAnswer['data']['groups'][0]['rules']> => {
    const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as RulesAnswer;
    return data.groups.flatMap(({ rules }) => rules);
  };
  await eventually('evaluation of all alerts', async () => {
    const rules = await evaluated();
    return rules.length > 0 && rules.every(({ health }) => health !== 'unknown');
  });
  for (const { name, health, lastError } of await evaluated())
    assert.equal(health, 'ok', `${name}: ${lastError ?? ''}`);
  assert.equal(await query('ALERTS{alertstate="firing"}'), 0);

  const headers = { 'statsig-api-key': SDK_KEY, 'content-type': 'application/json' };
  const body = batchText([gateExposure({ time: Date.now() })]);
  for (let turn = 0; turn < 2; turn += 1)
    await fetch(`${proxy.url}/v1/log_event`, { method: 'POST', headers, body });
  await fetch(`${proxy.url}/no/such/route`);
  // That one comes once a minute: test/app/statsd.test.ts has it.
  const ofStatsd = queriesOf(STATSD_PANELS).filter(
    ({ expr }) => !expr.includes('GrpcEstimatedActiveStreams'),
  );
  const isOfFault = ({ expr }: { readonly expr: string }): boolean =>
    /Disconnected|Error_|WriteFailed|ReadFailed/.test(expr);
  for (const { expr } of ofStatsd.filter((each) => !isOfFault(each))) await hasData(expr);
  client.close();
  await redis.kill();
  await fetch(`${proxy.url}/v2/download_config_specs/${SDK_KEY}.json`);
  for (const { expr } of ofStatsd.filter(({ expr: of }) => /Disconnected|Read|Write/.test(of)))
    await hasData(expr);
  origin.fault = FAILING.status_500;
  for (const { expr } of ofStatsd.filter(isOfFault)) await hasData(expr);
});
