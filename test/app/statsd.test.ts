// SFP's metrics on the wire: names, types and tags of the same traffic, receivers that are away, and what is sent at the end.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Features } from '../../src/app/feature.js';
import { telemetryFeature, type Telemetry } from '../../src/app/telemetry.js';
import { eventually } from '../e2e/deadline.js';
import { receiveUdp, receiveUnix, type DatagramReceiver } from '../fakes/datagram-receiver.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { scrape } from '../fakes/metrics-page.js';
import type { TestProxy } from '../fakes/proxy.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { startScene } from '../servers/grpc/grpc-scene.js';
import { start } from './started-proxy.js';

const SPEC = '/v1/download_config_specs';
const SDK_KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';
const SFP_FORM = 'secret-abcdefghijklm***';
const QUICK = ['--dogstatsd-max-time-ms', '20', '--datadog-max-batch-time-ms', '100'];

async function receive(t: TestContext): Promise<DatagramReceiver> {
  const receiver = await receiveUdp();
  t.after(() => receiver.close());
  return receiver;
}

function escape(text: string): string {
  return text.replace(/[.*+/]/g, '\\$&');
}

function ask(proxy: TestProxy, sdkKey = SDK_KEY, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${proxy.url}${SPEC}/${sdkKey}.json`, { headers });
}

test('lines are those of SFP: name, type, tags and their order, with the tags of the variables behind', async (t) => {
  const receiver = await receive(t);
  const env = {
    STATSD_PORT_OVERRIDE: String(receiver.port),
    DD_ENV: 'prod',
    DD_SERVICE: 'svc',
    DD_VERSION: 'v9',
    HOSTNAME: 'pod-1',
  };
  const { origin, proxy } = await start(t, { args: ['--statsd-logging', ...QUICK], env });
  origin.encoding = 'gzip';
  await ask(proxy, SDK_KEY, {
    'accept-encoding': 'gzip, deflate, br',
    'statsig-sdk-type': 'node',
    'statsig-sdk-version': '6.5.2',
  });
  const { time } = origin.project;
  const tail = 'version:v9,env:prod,service:svc,pod_name:pod-1';
  const payload = `sdk_key:${SFP_FORM},path:${SPEC}/`;
  assert.match(
    await receiver.line(/HttpServerRequestSuccess/),
    new RegExp(
      [
        String.raw`^statsig\.forward_proxy\.HttpServerRequestSuccess\.latency:\d+(?:\.\d{1,3})?\|ms\|#${escape(payload)}`,
        `lcut:${time},status_code:200,accept-encoding:gzip\\+br\\+unknown,content-encoding:gzip`,
        'sdk_type:node,sdk_version:6.5.2,client_service:unknown,response_payload_type:full',
        `${tail}$`,
      ].join(','),
    ),
  );
  assert.match(
    await receiver.line(/HttpDataProviderGotData/),
    new RegExp(
      `\\.latency:[\\d.]+\\|ms\\|#${escape(payload)},lcut:${time},status_code:200,accept-encoding:gzip\\+br,content-encoding:gzip,${tail}$`,
    ),
  );
  assert.equal(
    await receiver.line(/ConfigSpecStoreGotData/),
    `statsig.forward_proxy.ConfigSpecStoreGotData.count:1|c|#${payload},lcut:${time},accept-encoding:none,${tail}`,
  );
});

test('Datadog gets distributions, also where both are asked for', async (t) => {
  const receiver = await receive(t);
  const port = ['--statsd-port', String(receiver.port)];
  const { proxy } = await start(t, { args: ['--statsd-logging', '--datadog-logging', ...port, ...QUICK] });
  await ask(proxy);
  assert.match(await receiver.line(/HttpServerRequestSuccess/), /\.latency:[\d.]+\|d\|#/);
  await receiver.line(/ConfigSpecStoreGotData/);
  assert.deepEqual(
    receiver.lines.filter((line) => !line.startsWith('statsig.forward_proxy.')),
    [],
  );
});

test('probes have no key, and strange paths no path, whatever they are', async (t) => {
  const receiver = await receive(t);
  const { proxy } = await start(t, {
    args: ['--statsd-logging', '--statsd-port', String(receiver.port), ...QUICK],
  });
  await fetch(`${proxy.url}/v1/health`);
  await fetch(`${proxy.url}/secret-${'x'.repeat(40)}`);
  assert.match(
    await receiver.line(/path:\/v1\/health/),
    /\|#sdk_key:none,path:\/v1\/health,lcut:0,status_code:200,/,
  );
  assert.match(await receiver.line(/RequestFailed/), /\|#sdk_key:none,path:other,lcut:0,status_code:404,/);
});

test('no whole key is in any datagram, and invented keys have no more than 200 tags', async (t) => {
  const receiver = await receive(t);
  const args = ['--statsd-logging', '--statsd-port', String(receiver.port), ...QUICK];
  const { origin, proxy } = await start(t, { args });
  const keys = Array.from(
    { length: 300 },
    (_, index) => `secret-${String(index).padStart(3, '0')}${'y'.repeat(30)}`,
  );
  for (const key of keys) origin.refusedKeys.add(key);
  await ask(proxy);
  for (const key of keys) await ask(proxy, key);
  await receiver.line(/RequestFailed.*sdk_key:other/);
  await ask(proxy);
  await eventually(
    'all answers',
    () => receiver.lines.filter((line) => line.includes('RequestSuccess')).length === 2,
  );
  const text = receiver.lines.join('\n');
  for (const key of [SDK_KEY, ...keys]) assert.ok(!text.includes(key));
  const forms = new Set(text.match(/(?<=sdk_key:)[^,]*/g));
  assert.ok(forms.has(SFP_FORM));
  assert.equal(forms.size, 202, 'the known key, 200 invented ones, and other');
});

test('--metrics-sdk-key masked shows four characters', async (t) => {
  const receiver = await receive(t);
  const args = [
    '--statsd-logging',
    '--statsd-port',
    String(receiver.port),
    '--metrics-sdk-key',
    'masked',
    ...QUICK,
  ];
  const { proxy } = await start(t, { args });
  await ask(proxy);
  await receiver.line(/RequestSuccess.*sdk_key:secret-abcd\*\*\*,/);
});

test('what waits is sent at the stop', async (t) => {
  const receiver = await receive(t);
  const slow = ['--dogstatsd-max-time-ms', '60000', '--datadog-max-batch-time-ms', '600000'];
  const { proxy } = await start(t, {
    args: ['--statsd-logging', '--statsd-port', String(receiver.port), ...slow],
  });
  await ask(proxy);
  await proxy.app.stop();
  await receiver.line(/HttpServerRequestSuccess/);
  await receiver.line(/ConfigSpecStoreGotData\.count:1\|c/);
});

test('datagrams are as large as DOGSTATSD_MAX_BUFFER_SIZE lets them be', async (t) => {
  const receiver = await receive(t);
  const env = { STATSD_PORT_OVERRIDE: String(receiver.port), DOGSTATSD_MAX_BUFFER_SIZE: '800' };
  const { proxy } = await start(t, { args: ['--statsd-logging'], env });
  for (let index = 0; index < 20; index += 1) await ask(proxy);
  await proxy.app.stop();
  await eventually(
    'all answers',
    () => receiver.lines.filter((line) => line.includes('RequestSuccess')).length === 20,
  );
  for (const datagram of receiver.datagrams) assert.ok(datagram.length <= 801, String(datagram.length));
  assert.ok(receiver.datagrams.some((datagram) => datagram.length > 400));
});

test('over UDP a receiver may come late, leave and come back', async (t) => {
  const first = await receiveUdp();
  const { port } = first;
  await first.close();
  const { proxy } = await start(t, { args: ['--statsd-logging', '--statsd-port', String(port), ...QUICK] });
  await ask(proxy);
  for (let turn = 0; turn < 2; turn += 1) {
    const receiver = await receiveUdp(port);
    await eventually('a line', async () => {
      await ask(proxy);
      return receiver.lines.length > 0;
    });
    await receiver.close();
    await ask(proxy);
  }
});

test('over a Unix socket too: told once when it is away, counted, and told when it is back', async (t) => {
  const path = join(makeTemporaryFolder('statsd'), 'dsd.socket');
  const args = [
    '--statsd-logging',
    '--statsd-socket',
    path,
    '--dogstatsd-initial-retry-delay',
    '1',
    ...QUICK,
  ];
  const { proxy } = await start(t, { args });
  const away = (): number =>
    proxy.logs.withMessage('metrics do not reach the statsd receiver: they are dropped').length;
  const back = (): number => proxy.logs.withMessage('metrics reach the statsd receiver again').length;
  const dropped = async (): Promise<number> =>
    (await scrape(proxy.adminUrl)).sum('sfp_telemetry_dropped_total', 'sink="statsd"') ?? 0;
  for (let turn = 1; turn <= 2; turn += 1) {
    await eventually('a line about it', async () => {
      await ask(proxy);
      return away() === turn;
    });
    const before = await dropped();
    await eventually('more drops', async () => {
      await ask(proxy);
      return (await dropped()) > before;
    });
    assert.equal(away(), turn);
    const receiver = receiveUnix(path);
    await eventually('a line', async () => {
      await ask(proxy);
      return receiver.lines.length > 0;
    });
    await eventually('a line about that', () => back() === turn);
    await receiver.close();
  }
});

test('once a minute gauges tell the version of each spec and the number of streams', async (t) => {
  const receiver = await receive(t);
  const scene = await startScene(t, {
    args: ['--statsd-logging', '--statsd-port', String(receiver.port), ...QUICK],
  });
  await scene.client().stream({ sdkKey: SDK_KEY }).received(1);
  scene.clock.advance(60_000);
  const { time } = scene.origin.project;
  assert.equal(
    await receiver.line(/ConfigSpecCurrentLcut/),
    `statsig.forward_proxy.ConfigSpecCurrentLcut.gauge:${time}|g|#sdk_key:${SFP_FORM},path:${SPEC}/,accept-encoding:none,pod_name:test-replica`,
  );
  assert.equal(
    await receiver.line(/GrpcEstimatedActiveStreams/),
    'statsig.forward_proxy.GrpcEstimatedActiveStreams.gauge:1|g|#pod_name:test-replica',
  );
  const gauges = (): number => receiver.lines.filter((line) => line.includes('ActiveStreams')).length;
  scene.clock.advance(60_000);
  await eventually('the next gauges', () => gauges() === 2);
});

test('a stop waits half a second for the last metrics, neither less nor more', async () => {
  const clock = new ManualClock();
  const features = new Features(clock);
  let asked = 0;
  const statsd = {
    close: () => {
      asked += 1;
      return new Promise<void>(() => undefined);
    },
  };
  const metrics = { addReader: () => undefined };
  features.add(telemetryFeature(clock, { statsd, metrics } as unknown as Telemetry, features));
  let isClosed = false;
  const closing = features.close().then(() => (isClosed = true));
  await settle();
  clock.advance(499);
  await settle();
  assert.deepEqual([asked, isClosed], [1, false]);
  clock.advance(1);
  await closing;
});
