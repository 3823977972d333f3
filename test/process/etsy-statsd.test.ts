// Etsy's own statsd as the receiver: it takes every line, and shows timers and counters under SFP's names.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { freePort } from '../fakes/free-port.js';
import { SDK_KEY, startProxy } from '../fakes/proxy.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

const STATSD = createRequire(import.meta.url).resolve('statsd/stats.js');

interface EtsyStatsd {
  readonly port: number;
  output(): string;
}

async function startStatsd(t: TestContext): Promise<EtsyStatsd> {
  const port = await freePort();
  const path = join(makeTemporaryFolder('statsd'), 'config.js');
  const config = { port, mgmt_port: await freePort(), flushInterval: 300, backends: ['./backends/console'] };
  writeFileSync(path, JSON.stringify(config));
  const child = spawn(process.execPath, [STATSD, path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString();
    });
  }
  t.after(() => child.kill());
  await eventually('start of statsd', () => output.includes('server is up'));
  return { port, output: () => output };
}

test('it understands what is sent with --statsd-logging', async (t) => {
  const statsd = await startStatsd(t);
  const origin = await startFakeOrigin();
  const args = ['--statsd-logging', '--dogstatsd-max-time-ms', '20', '--datadog-max-batch-time-ms', '100'];
  const env = { STATSD_PORT_OVERRIDE: String(statsd.port) };
  const proxy = await startProxy({ origin: origin.url, args, env });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  await fetch(`${proxy.url}/v1/download_config_specs/${SDK_KEY}.json`);
  const series = 'statsig\\.forward_proxy\\.';
  await eventually('a timer', () =>
    new RegExp(`'${series}HttpServerRequestSuccess\\.latency;.*status_code=200.*': \\[ [\\d.]+ \\]`).test(
      statsd.output(),
    ),
  );
  await eventually('a counter', () =>
    new RegExp(`'${series}ConfigSpecStoreGotData\\.count;.*': 1`).test(statsd.output()),
  );
  assert.doesNotMatch(statsd.output(), /bad_lines_seen': [1-9]|bad line/i);
});
