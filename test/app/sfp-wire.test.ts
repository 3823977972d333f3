// Lines of a whole proxy beside those of Statsig's forward proxy: names, types and tags differ as docs/monitoring.md says, and no further.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { SFP_EVENTS } from '../../scripts/sfp-events.js';
import { catalogue, type CatalogueRow, type Tag } from '../../src/observability/catalogue.js';
import { eventually } from '../e2e/deadline.js';
import { receiveUdp, type DatagramReceiver } from '../fakes/datagram-receiver.js';
import { startEventOrigin, type EventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { OtlpReceiver } from '../fakes/otlp/otlp-receiver.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { batchText, gateExposure } from '../protocols/statsig/log-events/event-bodies.js';

const SPEC = '/v1/download_config_specs';
const SDK_KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';
const REFUSED_KEY = 'secret-refusedkeyrefusedkeyrefusedkey0123';
const METRICS_KEY = 'secret-metricsprojectmetricsproject012345';
const GLOBAL_TAGS = ['version', 'env', 'service', 'pod_name'];
const TYPES = { latency: 'ms', count: 'c', gauge: 'g' } as const;

/** As SFP 4.1.0 sent it, with statsd logging, for the first request of a spec behind an origin that compresses. */
const RECORDED =
  'statsig.forward_proxy.HttpServerRequestSuccess.latency:11|ms|#sdk_key:secret-abcdefghijklm***,path:/v1/download_config_specs/,lcut:1700000000000,status_code:200,accept-encoding:[PlainText, Gzip, Brotli],content-encoding:gzip,version:v9,env:prod,service:svc,pod_name:pod-1';

interface Line {
  readonly event: string;
  readonly operation: string;
  readonly type: string;
  /** In their order. */
  readonly tags: ReadonlyMap<string, string>;
}

function read(text: string): Line {
  const [, event = '', operation = '', type = '', tags = ''] =
    /^statsig\.forward_proxy\.(\w+)\.(\w+):-?[\d.]+\|(\w+)(?:\|#(.*))?$/.exec(text) ?? assert.fail(text);
  // What stands in brackets is one value.
  const pairs = tags.match(/[\w-]+:(?:\[[^\]]*\]|[^,]*)/g) ?? [];
  return { event, operation, type, tags: new Map(pairs.map((pair) => split(pair))) };
}

function split(pair: string): [string, string] {
  const at = pair.indexOf(':');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

interface Bench {
  readonly origin: FakeOrigin;
  readonly events: EventOrigin;
  readonly receiver: DatagramReceiver;
  readonly otlp: OtlpReceiver;
  readonly proxy: TestProxy;
}

async function start(t: TestContext): Promise<Bench> {
  const [origin, events, receiver] = [await startFakeOrigin(), await startEventOrigin(), await receiveUdp()];
  const otlp = await OtlpReceiver.start();
  t.after(() => Promise.all([origin.close(), events.close(), receiver.close(), otlp.close()]));
  const redis = await startRedisServer(t);
  origin.encoding = 'gzip';
  origin.refusedKeys.add(REFUSED_KEY);
  const quick = ['--dogstatsd-max-time-ms', '20', '--datadog-max-batch-time-ms', '100'];
  const proxy = await startProxy({
    origin: origin.url,
    eventOrigin: events.url,
    mode: 'grpc-and-http',
    cache: 'redis',
    args: [
      ...['-p', '1', '--statsd-logging', '--statsig-logging', '--debug-logging', '--access-log', ...quick],
      '--otlp-logging',
      ...['--config-spec-current-lcut-sampling-interval-in-s', '1', '--clear-datastore-on-unauthorized'],
    ],
    env: {
      STATSD_PORT_OVERRIDE: String(receiver.port),
      STATSIG_SERVER_SDK_KEY: METRICS_KEY,
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      REDIS_URL: redis.url,
      DD_ENV: 'prod',
      DD_SERVICE: 'svc',
      DD_VERSION: 'v9',
      HOSTNAME: 'pod-1',
    },
  });
  t.after(() => proxy.app.stop());
  return { origin, events, receiver, otlp, proxy };
}

function ask({ proxy }: Bench, sdkKey = SDK_KEY): Promise<Response> {
  const headers = { 'accept-encoding': 'gzip, deflate, br', 'statsig-sdk-type': `of ${sdkKey}` };
  return fetch(`${proxy.url}${SPEC}/${sdkKey}.json`, { headers });
}

/** Gives what a client does in SFP's documents of its metrics: specs, streams, log events, and a key that the origin refuses. */
async function drive(bench: Bench): Promise<void> {
  const { origin, proxy } = bench;
  await ask(bench);
  await fetch(`${proxy.url}/v1/health`);
  await fetch(`${proxy.url}/${SDK_KEY}`);
  await ask(bench, REFUSED_KEY);
  const client = new GrpcClient(proxy.grpcAddress);
  const stream = client.stream({ sdkKey: SDK_KEY });
  await stream.received(1);
  await client.stream({ sdkKey: REFUSED_KEY }).end();
  origin.project = { ...origin.project, time: origin.project.time + 1 };
  await stream.received(2);
  client.close();
  const exposures = batchText([gateExposure({ time: Date.now() })]);
  for (let turn = 0; turn < 2; turn += 1) {
    const headers = { 'statsig-api-key': SDK_KEY, 'content-type': 'application/json' };
    await fetch(`${proxy.url}/v1/log_event`, { method: 'POST', headers, body: exposures });
  }
}

/** Of that traffic; what is left out needs a Redis that fails, a minute's wait, or two million exposures. */
const EXPECTED = [
  'HttpServerRequestSuccess',
  'HttpServerRequestFailed',
  'HttpDataProviderGotData',
  'HttpDataProviderNoData',
  'HttpDataProviderError',
  'DcsFetchSource',
  'BackgroundDataProviderRequestInterval',
  'ConfigSpecStoreGotData',
  'ConfigSpecCurrentLcut',
  'UpdateConfigSpecStorePropagationDelayMs',
  'GrpcStreamingStreamedInitialized',
  'GrpcStreamingStreamedResponse',
  'GrpcStreamingStreamUnauthorized',
  'GrpcStreamingStreamDisconnected',
  'StreamingChannelGotNewData',
  'RedisCacheWriteSucceed',
  'RedisCacheTtlRefreshed',
  'RedisCacheReadMiss',
  'LogEventStoreDeduped',
];

test('the table of SFP’s events is the catalogue’s, but for the differences that it names', () => {
  const rows: readonly (readonly [string, CatalogueRow])[] = Object.entries(catalogue);
  const ours = new Map(rows.flatMap(([name, { sfp }]) => (sfp === undefined ? [] : [[name, sfp] as const])));
  for (const name of ours.keys()) assert.ok(Object.hasOwn(SFP_EVENTS, name), name);
  for (const [name, { operation, tags, later, lacks, differs, isAbsent }] of Object.entries(SFP_EVENTS)) {
    const here = ours.get(name);
    assert.equal(here === undefined, isAbsent, name);
    assert.ok(differs !== '' || (lacks.length === 0 && !isAbsent), `${name}: a difference has its words`);
    if (here === undefined) continue;
    assert.equal(here.operation, operation, name);
    const expected = [...tags, ...later].filter((tag) => !lacks.includes(tag as Tag));
    assert.deepEqual([...here.tags].sort(), expected.sort(), name);
  }
});

test('traffic gives the lines of SFP, and no sink shows more of a key than is documented', async (t) => {
  const bench = await start(t);
  await drive(bench);
  const { receiver, otlp, proxy, events } = bench;
  const seen = (): ReadonlySet<string> => new Set(receiver.lines.map((line) => read(line).event));
  await eventually('a line of every event', () => EXPECTED.every((event) => seen().has(event))).catch(
    (error: unknown) => {
      throw new Error(`missing: ${EXPECTED.filter((event) => !seen().has(event)).join()}`, { cause: error });
    },
  );
  for (const text of receiver.lines) assertIsOfSfp(read(text));
  const parts = [
    '.HttpServerRequestSuccess.',
    'path:/v1/download_config_specs/',
    'status_code:200',
    'content-encoding:gzip',
  ];
  const ours = receiver.lines.find((line) => parts.every((part) => line.includes(part))) ?? '';
  assertDiffersAsDocumented(read(RECORDED), read(ours));

  const pages = await Promise.all(
    ['/metrics', '/status?keys='].map(async (page) => (await fetch(`${proxy.adminUrl}${page}`)).text()),
  );
  await proxy.app.stop();
  const ofMetrics = events.taken.filter(({ sdkKey }) => sdkKey === METRICS_KEY);
  assert.ok(ofMetrics.length > 0);
  // The export at the stop has all of them.
  for (const event of EXPECTED) assert.ok(otlp.text.includes(`"statsig.forward_proxy.${event}.`), event);
  const sent = [receiver.lines.join('\n'), ...ofMetrics.map(({ body }) => body.toString()), otlp.text];
  const shown = [...pages, proxy.logs.lines.map((line) => JSON.stringify(line)).join('\n')];
  for (const key of [SDK_KEY, REFUSED_KEY, METRICS_KEY]) {
    for (const text of sent) assert.ok(!text.includes(key.slice(0, 21)), `more than 20 characters of ${key}`);
    for (const text of shown) assert.ok(!text.includes(key.slice(0, 12)), `more than four of ${key}`);
  }
});

function assertIsOfSfp({ event, operation, type, tags }: Line): void {
  const row = SFP_EVENTS[event];
  assert.ok(row !== undefined && !row.isAbsent, event);
  assert.equal(operation, row.operation, event);
  assert.equal(type, TYPES[row.operation], event);
  const names = [...tags.keys()];
  assert.deepEqual(names.slice(-GLOBAL_TAGS.length), GLOBAL_TAGS, event);
  const own = names.slice(0, -GLOBAL_TAGS.length);
  const known: readonly string[] = [...row.tags, ...row.later];
  for (const name of own) assert.ok(known.includes(name), `${event}: ${name}`);
  // SFP's tags are there, in its order; those that came later stand among them, where there is something to say.
  assert.deepEqual(
    own.filter((name) => row.tags.some((tag) => tag === name)),
    row.tags.filter((tag) => tag !== 'status_code' || tags.has('status_code')),
    event,
  );
}

function assertDiffersAsDocumented(recorded: Line, ours: Line): void {
  const { tags, ...line } = recorded;
  assert.deepEqual({ ...ours, tags: undefined }, { ...line, tags: undefined });
  assert.deepEqual(
    [...ours.tags.keys()].filter((name) => tags.has(name)),
    [...tags.keys()],
  );
  const added = [...ours.tags.keys()].filter((name) => !tags.has(name));
  assert.deepEqual(added, SFP_EVENTS[line.event]?.later);
  const changed = [...tags].filter(([name, value]) => ours.tags.get(name) !== value).map(([name]) => name);
  assert.deepEqual(changed, ['lcut', 'accept-encoding'], 'the project’s version, and how codings are joined');
}
