// A real Prometheus that scrapes a proxy under traffic: every panel of the board has data, and every alert can be evaluated.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PROMETHEUS_PANELS } from '../../scripts/boards.js';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
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
async function startPrometheus(t: TestContext, target: string): Promise<string> {
  const [folder, port] = [makeTemporaryFolder('prometheus'), await freePort()];
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    scrape_configs: [{ job_name: JOB, static_configs: [{ targets: [target] }] }],
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

test('every panel has data, and every alert is evaluated', async (t) => {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', args: ['-p', '1'] });
  const client = new GrpcClient(proxy.grpcAddress);
  t.after(async () => {
    client.close();
    await proxy.app.stop();
    await origin.close();
  });
  const url = await startPrometheus(t, new URL(proxy.adminUrl).host);
  client.stream({ sdkKey: SDK_KEY });
  const query = async (expr: string): Promise<number> => {
    const filled = expr
      .replaceAll('$__rate_interval', '20s')
      .replaceAll('$job', JOB)
      .replaceAll('$instance', '.*');
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(filled)}`);
    return ((await answer.json()) as Answer).data.result.length;
  };
  const traffic = async (): Promise<void> => {
    await fetch(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`);
    origin.project = { ...origin.project, time: origin.project.time + 1 };
  };
  for (const { title, queries } of PROMETHEUS_PANELS) {
    for (const { expr } of queries) {
      await eventually(`data in ${title}: ${expr}`, async () => {
        await traffic();
        return (await query(expr)) > 0;
      });
    }
  }
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
});
