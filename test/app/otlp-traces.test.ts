// Traces at an OpenTelemetry receiver: clients' traces reach the origin through the proxy, and only where they are asked for.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { InterceptingCall } from '@grpc/grpc-js';
import { eventually } from '../e2e/deadline.js';
import type { FakeOrigin } from '../fakes/fake-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { FAILING } from '../fakes/origin-faults.js';
import { OtlpReceiver, valuesOf, type OtlpSpan } from '../fakes/otlp/otlp-receiver.js';
import type { TestProxy, TestProxyOptions } from '../fakes/proxy.js';
import { start } from './started-proxy.js';

const SPEC = '/v1/download_config_specs';
const SDK_KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;
const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

interface Scene {
  readonly receiver: OtlpReceiver;
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
}

async function startTracing(
  t: TestContext,
  env: Readonly<Record<string, string>> = { OTEL_TRACES_EXPORTER: 'otlp' },
  { args = [], ...more }: Pick<TestProxyOptions, 'args' | 'mode'> = {},
): Promise<Scene> {
  const receiver = await OtlpReceiver.start();
  t.after(() => receiver.close());
  const { origin, proxy } = await start(t, {
    ...more,
    args: ['--otlp-logging', '--trace-slow-ms', '600000', ...args],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_METRICS_EXPORTER: 'none', ...env },
  });
  return { receiver, origin, proxy };
}

function ask(
  proxy: TestProxy,
  headers: Record<string, string> = {},
  path = `${SPEC}/${SDK_KEY}.json`,
): Promise<Response> {
  return fetch(proxy.url + path, { headers });
}

/** What the receiver has got when the proxy has stopped. */
async function spansOf({ proxy, receiver }: Scene): Promise<readonly OtlpSpan[]> {
  await proxy.app.stop();
  return receiver.spans;
}

test('a first fetch is part of the trace of the client that waited for it, and the origin is told', async (t) => {
  const scene = await startTracing(t);
  await ask(scene.proxy, { traceparent: TRACEPARENT, tracestate: 'vendor=1' });
  await ask(scene.proxy, { traceparent: TRACEPARENT });
  const spans = await spansOf(scene);
  const [server, ...noOther] = spans.filter(({ kind }) => kind === SERVER);
  const client = spans.find(({ kind }) => kind === CLIENT);
  assert.deepEqual(noOther, [], 'the hit is neither slow nor failed');
  assert.ok(server !== undefined && client !== undefined);
  assert.equal(server.name, `GET ${SPEC}`);
  assert.deepEqual([server.traceId, server.parentSpanId], [TRACE, PARENT]);
  assert.deepEqual([client.traceId, client.parentSpanId], [TRACE, server.spanId]);
  assert.deepEqual(valuesOf(server.attributes), {
    'http.request.method': 'GET',
    'http.route': SPEC,
    'http.response.status_code': 200,
  });
  const { hostname, port } = new URL(scene.origin.url);
  const attributes = valuesOf(client.attributes);
  assert.deepEqual(
    [attributes['http.response.status_code'], attributes['server.address'], attributes['server.port']],
    [200, hostname, Number(port)],
  );
  const [request] = scene.origin.requests;
  assert.equal(request?.headers['traceparent'], `00-${TRACE}-${String(client.spanId)}-01`);
  assert.equal(request.headers['tracestate'], 'vendor=1');
  assert.ok(!scene.receiver.text.includes(SDK_KEY));
  assert.ok(String(attributes['url.full']).includes('secret-abcd***'), String(attributes['url.full']));
});

test('polls are traces of their own, though a client began them', async (t) => {
  const scene = await startTracing(t, undefined, { args: ['-p', '1'] });
  await ask(scene.proxy, { traceparent: TRACEPARENT });
  await eventually('two polls', () => scene.origin.requests.length >= 3);
  const spans = (await spansOf(scene)).filter(({ kind }) => kind === CLIENT);
  const traces = spans.map(({ traceId }) => String(traceId));
  assert.equal(traces.filter((trace) => trace === TRACE).length, 1);
  assert.equal(new Set(traces).size, traces.length);
  assert.ok(spans.slice(1).every(({ parentSpanId = '' }) => parentSpanId === ''));
});

test('a failed request has a span, with what failed at the origin below it', async (t) => {
  const scene = await startTracing(t);
  scene.origin.fault = FAILING.status_500;
  assert.equal((await ask(scene.proxy, { traceparent: TRACEPARENT })).status, 503);
  const spans = await spansOf(scene);
  const server = spans.find(({ kind }) => kind === SERVER);
  const client = spans.find(({ kind }) => kind === CLIENT);
  assert.equal(server?.status?.code, ERROR);
  assert.equal(valuesOf(server.attributes)['error.type'], '503');
  assert.equal(client?.status?.code, ERROR);
  assert.equal(valuesOf(client.attributes)['error.type'], '500');
  assert.equal(client.parentSpanId, server.spanId);
});

test('an origin that cannot be reached is told by its reason', async (t) => {
  const scene = await startTracing(t, undefined, { args: ['--statsig-endpoint', 'http://127.0.0.1:1'] });
  await ask(scene.proxy);
  const client = (await spansOf(scene)).find(({ kind }) => kind === CLIENT);
  assert.equal(valuesOf(client?.attributes)['error.type'], 'connection_refused');
});

test('a slow request has a span, and neither probes nor unknown paths have any', async (t) => {
  const scene = await startTracing(t, undefined, { args: ['--trace-slow-ms', '0'] });
  await ask(scene.proxy);
  await ask(scene.proxy, { traceparent: TRACEPARENT });
  await ask(scene.proxy, {}, '/v1/health');
  await ask(scene.proxy, {}, '/no/such/path');
  const servers = (await spansOf(scene)).filter(({ kind }) => kind === SERVER);
  assert.deepEqual(
    servers.map(({ name }) => name),
    [`GET ${SPEC}`, `GET ${SPEC}`],
  );
  assert.deepEqual([servers[1]?.traceId, servers[1]?.parentSpanId], [TRACE, PARENT]);
});

test('what a client does not want traced is not sent, and the origin is told that', async (t) => {
  const scene = await startTracing(t);
  await ask(scene.proxy, { traceparent: `00-${TRACE}-${PARENT}-00` });
  assert.deepEqual(await spansOf(scene), []);
  assert.match(
    String(scene.origin.requests[0]?.headers['traceparent']),
    new RegExp(`^00-${TRACE}-\\w{16}-00$`),
  );
});

test('of traces that begin here the sampler takes its part', async (t) => {
  const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'always_off' };
  const scene = await startTracing(t, env);
  await ask(scene.proxy, { traceparent: TRACEPARENT });
  assert.deepEqual(await spansOf(scene), []);
});

for (const env of [{}, { OTEL_TRACES_EXPORTER: 'none' }]) {
  test(`without OTEL_TRACES_EXPORTER=otlp no traceparent is passed on: ${JSON.stringify(env)}`, async (t) => {
    const scene = await startTracing(t, env);
    await ask(scene.proxy, { traceparent: TRACEPARENT });
    assert.deepEqual(await spansOf(scene), []);
    assert.equal(scene.receiver.attempts, 0);
    assert.equal(scene.origin.requests[0]?.headers['traceparent'], undefined);
  });
}

test('a gRPC call that waited for the origin has a span, and the origin is told of its trace', async (t) => {
  const scene = await startTracing(t, undefined, { mode: 'grpc' });
  const client = new GrpcClient(scene.proxy.grpcAddress, {
    interceptors: [
      (options, next) =>
        new InterceptingCall(next(options), {
          start: (metadata, listener, begin) => {
            metadata.set('traceparent', TRACEPARENT);
            begin(metadata, listener);
          },
        }),
    ],
  });
  t.after(() => {
    client.close();
  });
  assert.equal((await client.getConfigSpec({ sdkKey: SDK_KEY })).code, 0);
  const server = (await spansOf(scene)).find(({ kind }) => kind === SERVER);
  assert.deepEqual([server?.name, server?.traceId], ['getConfigSpec', TRACE]);
  assert.equal(valuesOf(server?.attributes)['rpc.response.status_code'], 'OK');
  assert.match(String(scene.origin.requests[0]?.headers['traceparent']), new RegExp(`^00-${TRACE}-`));
});
