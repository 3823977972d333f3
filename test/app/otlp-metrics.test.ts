// Metrics at an OpenTelemetry receiver: the sums of /metrics, in each protocol and temporality, under SFP's names and OpenTelemetry's.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { scrape } from '../fakes/metrics-page.js';
import { OtlpReceiver, valuesOf, type ReceiverOptions } from '../fakes/otlp/otlp-receiver.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import type { TestProxy } from '../fakes/proxy.js';
import { TestAuthority } from '../fakes/test-authority.js';
import { start } from './started-proxy.js';

const SPEC = '/v1/download_config_specs';
const SDK_KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';
const SFP_FORM = 'secret-abcdefghijklm***';
const REQUESTS = 'sfp_http_request_duration_seconds';
const SFP_REQUESTS = 'statsig.forward_proxy.HttpServerRequestSuccess.latency';

async function receive(t: TestContext, options: ReceiverOptions = {}): Promise<OtlpReceiver> {
  const receiver = await OtlpReceiver.start(options);
  t.after(() => receiver.close());
  return receiver;
}

async function startSending(
  t: TestContext,
  receiver: OtlpReceiver,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<TestProxy> {
  const { proxy } = await start(t, {
    args: ['--otlp-logging', ...args],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      ...env,
    },
  });
  return proxy;
}

function ask(proxy: TestProxy, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${proxy.url}${SPEC}/${SDK_KEY}.json`, { headers });
}

async function arrived(receiver: OtlpReceiver, requests: number): Promise<void> {
  await eventually(`${requests} requests at the receiver`, () => {
    return (
      receiver.total('http.server.request.duration', { 'http.response.status_code': 200 }).count === requests
    );
  });
}

const WAYS = [
  { name: 'http/json, which is the default', options: {}, env: {} },
  {
    name: 'http/protobuf, compressed',
    options: {},
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
  },
  { name: 'grpc', options: { isGrpc: true }, env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' } },
];

for (const { name, options, env } of WAYS) {
  for (const temporality of ['cumulative', 'delta']) {
    test(`the receiver has the sums of /metrics: ${name}, ${temporality}`, async (t) => {
      const receiver = await receive(t, options);
      const proxy = await startSending(t, receiver, {
        ...env,
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality,
      });
      for (let requests = 1; requests <= 3; requests += 1) {
        await ask(proxy);
        await arrived(receiver, requests);
      }
      await fetch(`${proxy.url}/no/such/route`);
      await eventually('the last request', () => {
        return receiver.total('http.server.request.duration').count === 4;
      });
      const page = await scrape(proxy.adminUrl);
      const { value, count } = receiver.total('http.server.request.duration');
      assert.equal(count, page.sum(`${REQUESTS}_count`));
      assert.ok(Math.abs(value - (page.sum(`${REQUESTS}_sum`) ?? NaN)) < 1e-9);
      for (const [counter, shown] of [
        ['sfp.spec_versions_held', 'sfp_spec_versions_held_total'],
        ['sfp.specs_held', 'sfp_specs_held'],
        ['sfp.log_event_batches', 'sfp_log_event_batches_total'],
      ] as const) {
        assert.equal(receiver.total(counter).value, page.sum(shown) ?? 0, counter);
      }
      const upstream = receiver.total('sfp.upstream_request_duration', { api: 'v1', outcome: 'updated' });
      assert.equal(upstream.count, 1);
      assert.equal(receiver.total(SFP_REQUESTS, { status_code: '200' }).count, 3);
      assert.equal(receiver.total('statsig.forward_proxy.ConfigSpecStoreGotData.count').value, 1);
    });
  }
}

test('lowmemory: what events feed starts anew with each export, and what is read does not', async (t) => {
  const receiver = await receive(t);
  const proxy = await startSending(t, receiver, {
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'LowMemory',
  });
  await ask(proxy);
  await arrived(receiver, 1);
  assert.equal(receiver.metrics('http.server.request.duration')[0]?.histogram?.aggregationTemporality, 1);
  assert.equal(receiver.metrics('sfp.grpc_streams_stalled')[0]?.sum?.aggregationTemporality, 2);
});

test('attributes are those of SFP without its colon, and the resource says what this process is', async (t) => {
  const receiver = await receive(t);
  const proxy = await startSending(t, receiver, {
    OTEL_SERVICE_NAME: 'flags',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=lost,team=a%2Cb',
    HOSTNAME: 'pod-1',
  });
  await ask(proxy, { 'statsig-sdk-type': 'node', 'accept-encoding': 'gzip' });
  await arrived(receiver, 1);
  const [point] = receiver.points(SFP_REQUESTS);
  const attributes = valuesOf(point?.attributes);
  assert.deepEqual(attributes, {
    ...attributes,
    sdk_key: SFP_FORM,
    path: `${SPEC}/`,
    status_code: '200',
    'accept-encoding': 'gzip',
    sdk_type: 'node',
    response_payload_type: 'full',
  });
  assert.deepEqual(point?.explicitBounds?.slice(0, 3), [0, 5, 10]);
  assert.equal(point.bucketCounts?.length, 16);
  assert.equal(receiver.metrics('http.server.request.duration').at(-1)?.unit, 's');
  const resource = valuesOf(receiver.resource);
  assert.equal(resource['service.name'], 'flags');
  assert.equal(resource['service.instance.id'], 'pod-1');
  assert.equal(resource['service.version'], '0.0.0');
  assert.equal(resource['deployment.environment.name'], 'prod');
  assert.equal(resource['team'], 'a,b');
  assert.equal(resource['telemetry.sdk.language'], 'nodejs');
  assert.ok(!receiver.text.includes(SDK_KEY));
});

test('the variable of a signal counts before that of both, and the one of SFP before all', async (t) => {
  const receiver = await receive(t);
  const proxy = await startSending(t, receiver, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://127.0.0.1:1/other',
    OTEL_EXPORTER_ENDPOINT: `${receiver.url}/of/sfp`,
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=of%20both',
    otel_exporter_otlp_metrics_headers: 'api-key=to%3Dken',
  });
  await ask(proxy);
  await arrived(receiver, 1);
  const headers = receiver.received[0]?.headers ?? {};
  assert.equal(headers['path'], '/of/sfp');
  assert.equal(headers['api-key'], 'to=ken');
  assert.equal(headers['b'], undefined);
});

test('gRPC: headers are metadata', async (t) => {
  const receiver = await receive(t, { isGrpc: true });
  const proxy = await startSending(t, receiver, {
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.replace('http://', ''),
    OTEL_EXPORTER_OTLP_INSECURE: 'true',
    OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=token',
  });
  await ask(proxy);
  await arrived(receiver, 1);
  assert.equal(receiver.received[0]?.headers['api-key'], 'token');
});

for (const isGrpc of [false, true]) {
  test(`TLS by an authority, with a client's certificate: ${isGrpc ? 'gRPC' : 'HTTP'}`, async (t) => {
    const authority = new TestAuthority();
    t.after(() => {
      authority.close();
    });
    const { cert, key } = authority.issue('receiver');
    const client = authority.issue('proxy');
    const receiver = await receive(t, { isGrpc, tls: { cert, key, clientCa: authority.ca } });
    const proxy = await startSending(t, receiver, {
      OTEL_EXPORTER_OTLP_PROTOCOL: isGrpc ? 'grpc' : 'http/protobuf',
      OTEL_EXPORTER_OTLP_CERTIFICATE: authority.caPath,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client.certPath,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: client.keyPath,
    });
    await ask(proxy);
    await arrived(receiver, 1);
    const stranger = await startSending(t, receiver, {
      OTEL_EXPORTER_OTLP_PROTOCOL: isGrpc ? 'grpc' : 'http/protobuf',
      OTEL_EXPORTER_OTLP_CERTIFICATE: authority.caPath,
    });
    await eventually('a refusal', () => stranger.logs.text.includes('does not reach'));
  });
}

test('what is measured last is sent at the stop', async (t) => {
  const receiver = await receive(t);
  const proxy = await startSending(t, receiver, { OTEL_METRIC_EXPORT_INTERVAL: '3600000' });
  await ask(proxy);
  await proxy.app.stop();
  assert.equal(receiver.received.length, 1);
  assert.equal(receiver.total(SFP_REQUESTS).count, 1);
});

test('nothing is sent where OpenTelemetry is switched off, or metrics are', async (t) => {
  const receiver = await receive(t);
  const disabled = await startSending(t, receiver, { OTEL_SDK_DISABLED: 'true' });
  const without = await startSending(t, receiver, { OTEL_METRICS_EXPORTER: 'none' });
  for (const proxy of [disabled, without]) {
    await ask(proxy);
    await proxy.app.stop();
  }
  assert.equal(receiver.attempts, 0);
});

for (const temporality of ['cumulative', 'delta']) {
  test(`while the receiver is silent /status says so, and what was counted arrives later: ${temporality}`, async (t) => {
    const receiver = await receive(t);
    receiver.behaviour = 'silent';
    const proxy = await startSending(t, receiver, {
      OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality,
    });
    for (let requests = 0; requests < 3; requests += 1) assert.equal((await ask(proxy)).status, 200);
    const problems = async (): Promise<string> => (await fetch(`${proxy.adminUrl}/status`)).text();
    await eventually('the problem', async () => (await problems()).includes('telemetry_not_delivered'));
    await eventually('further attempts', () => receiver.attempts >= 3);
    assert.equal(proxy.logs.withMessage('telemetry does not reach the OpenTelemetry receiver').length, 1);
    receiver.behaviour = 'takes';
    await arrived(receiver, 3);
    assert.equal(receiver.total(SFP_REQUESTS).count, 3);
    await eventually('no problem', async () => !(await problems()).includes('telemetry_not_delivered'));
  });
}

test('a receiver that never answers holds no stop up for longer than half a second', async (t) => {
  const receiver = await receive(t);
  receiver.behaviour = 'silent';
  const clock = new ManualClock();
  const { proxy } = await start(t, {
    clock,
    args: ['--otlp-logging'],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_EXPORTER: 'otlp' },
  });
  const stopped = proxy.app.stop();
  await eventually('the last export', () => receiver.attempts >= 1);
  clock.advance(499);
  await settle();
  let isStopped = false;
  const watched = stopped.then(() => {
    isStopped = true;
  });
  await settle();
  assert.equal(isStopped, false);
  clock.advance(1);
  await watched;
});
