// SDKs behind a proxy whose specs name remote values: those that know of them hydrate within their deadlines, the others notice nothing.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { StatsigServer } from 'statsig-node';
import type { NamedValue } from '../../src/domain/named-value.js';
import { readFields, readVarint } from '../../src/protocols/statsig/spec-body/protobuf-fields.js';
import { createConcurrencyLimit } from '../../src/domain/concurrency-limit.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { SDK_KEY, type TestProxy } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import {
  ask,
  decoded,
  isTakenBySdk,
  SDK_HEADERS,
  value,
  ValueScene,
  type Value,
} from '../protocols/statsig/remote-values/value-scene.js';
import { startCoreSdk } from './core-sdk.js';
import { eventually, within } from './deadline.js';

/** As in oai-statsig-rust: eight at one time. */
const DOWNLOADS_MAX = 8;
/** The origin takes so long for each value: longer than an SDK would wait for a row of them. */
const ORIGIN_MS = 400;

type Members = Readonly<Record<string, unknown>>;

/** What the SDK finds in a JSON spec: see `collect_json_references` of its hydrator. */
function namedInJson(spec: Members): NamedValue[] {
  return Object.values(spec['dynamic_configs'] as Record<string, Members>).flatMap((config) => {
    const own = config['remoteConfigMetadata'] as Members | undefined;
    const flat = own !== undefined && 'sha256' in own ? own : own?.['defaultValue'];
    const ofRules = (config['rules'] as readonly Members[]).map((rule) => rule['remoteConfigMetadata']);
    return [flat, ...ofRules].filter((each) => each !== undefined) as NamedValue[];
  });
}

function fieldOf(message: Uint8Array, wanted: number): (number | Uint8Array)[] {
  return [...readFields(message)].filter(({ number }) => number === wanted).map(({ value: found }) => found);
}

/** The same in protobuf. */
function namedInProtobuf(body: Buffer): NamedValue[] {
  const named: NamedValue[] = [];
  const add = (metadata: number | Uint8Array): void => {
    const bytes = metadata as Uint8Array;
    const sha256 = Buffer.from(fieldOf(bytes, 1)[0] as Uint8Array).toString();
    named.push({ sha256, byteLength: fieldOf(bytes, 2)[0] as number });
  };
  for (let at = 0; at < body.length;) {
    const length = readVarint(body, at) ?? assert.fail();
    const envelope = body.subarray(length.end, length.end + length.value);
    at = length.end + length.value;
    if (fieldOf(envelope, 1)[0] !== 4) continue;
    const spec = fieldOf(envelope, 4)[0] as Uint8Array;
    for (const own of fieldOf(spec, 16)) add(own);
    for (const rule of fieldOf(spec, 7)) for (const own of fieldOf(rule as Uint8Array, 14)) add(own);
  }
  return named;
}

/** Under the two codings that the SDK offers for it; ours has zstd where Node does. */
function protobufIn({ headers, bytes }: RawAnswer): Buffer {
  const { zstdDecompressSync } = zlib as unknown as {
    readonly zstdDecompressSync: (bytes: Buffer) => Buffer;
  };
  return headers['content-encoding'] === 'statsig-zstd'
    ? zstdDecompressSync(bytes)
    : zlib.brotliDecompressSync(bytes);
}

/** One sync of oai-statsig-rust without a key in its path; gives the version, or throws where the SDK would drop the update. */
async function sync(
  proxy: TestProxy,
  format: 'json' | 'protobuf',
): Promise<{ version: number; values: number }> {
  const isProtobuf = format === 'protobuf';
  const query = isProtobuf ? '?supports_proto=true' : '';
  const asking = isProtobuf ? { 'statsig-supports-proto': 'true' } : {};
  const headers = {
    ...SDK_HEADERS,
    ...asking,
    'accept-encoding': 'statsig-zstd, statsig-br, gzip, deflate, br',
  };
  const answer = await rawRequest(`${proxy.url}/v2/download_config_specs${query}`, { headers });
  assert.equal(answer.status, 200);
  const named = isProtobuf
    ? namedInProtobuf(protobufIn(answer))
    : namedInJson(JSON.parse(decoded(answer).toString()) as Members);
  const unique = [...new Map(named.map((each) => [each.sha256, each])).values()];
  const limit = createConcurrencyLimit(DOWNLOADS_MAX);
  await Promise.all(
    unique.map((each) =>
      limit(async () => {
        assert.equal(isTakenBySdk(await ask(proxy, each.sha256), each), true, `value ${each.sha256}`);
      }),
    ),
  );
  return { version: Number(answer.headers['x-since-time']), values: unique.length };
}

async function start(
  t: TestContext,
  ...values: readonly Value[]
): Promise<{ scene: ValueScene; proxy: TestProxy }> {
  const scene = await ValueScene.start(t);
  scene.offer(...values);
  scene.publish(...values);
  const args = ['-p', '1'];
  const proxy = await scene.startProxy({ mode: 'grpc-and-http', args, env: { SFP_SDK_KEYS: SDK_KEY } });
  await proxy.app.startedUp;
  return { scene, proxy };
}

test('at no moment an SDK is given a spec whose values it would have to wait for', async (t) => {
  const first = Array.from({ length: 12 }, (_none, index) => value(`first ${index}`));
  const { scene, proxy } = await start(t, ...first);
  for (const format of ['json', 'protobuf'] as const) {
    assert.equal((await sync(proxy, format)).values, first.length);
  }
  // From now on every fetch of a value takes its time.
  scene.origin.valueFault = (_response, serve) => void pause(ORIGIN_MS).then(serve);
  const next = Array.from({ length: 40 }, (_none, index) => value(`next ${index}`));
  scene.offer(...next);
  const published = scene.publish(...first, ...next);
  const seen = new Set<number>();
  const asked = (): number =>
    scene.origin.requests.filter(({ url }) => url.includes('dynamic_config')).length;
  for (const format of ['json', 'protobuf'] as const) {
    await eventually(`new spec as ${format}`, async () => {
      const before = asked();
      const { version, values } = await sync(proxy, format);
      seen.add(version);
      if (version === published) {
        assert.equal(values, first.length + next.length);
        assert.equal(asked(), before, 'no value had to be fetched for it');
      }
      return version === published;
    });
  }
  for (const each of next) assert.equal(scene.asked(each), 1);
});

test('a gRPC stream brings a spec whose values are there over HTTP', async (t) => {
  const { scene, proxy } = await start(t, value('first'));
  const client = new GrpcClient(proxy.grpcAddress);
  t.after(() => {
    client.close();
  });
  const stream = client.stream({ sdkKey: SDK_KEY, version: 2 });
  await stream.received(1);
  const next = value('next');
  scene.offer(next);
  scene.origin.valueFault = (_response, serve) => void pause(ORIGIN_MS).then(serve);
  const published = scene.publish(next);
  const { spec, lastUpdated } = await stream.received(2);
  assert.equal(lastUpdated, published);
  assert.deepEqual(namedInJson(JSON.parse(spec) as Members)[0]?.sha256, next.sha256);
  await scene.origin.close();
  assert.equal(isTakenBySdk(await ask(proxy, next.sha256), next), true);
});

test('SDKs that know nothing of remote values go on as before', async (t) => {
  const { scene, proxy } = await start(t, value('first'));
  const core = await startCoreSdk(t, proxy.url, SDK_KEY);
  assert.equal(core.init.isSuccess, true);
  assert.equal(core.greeting(), 'hello');
  const legacy = new StatsigServer(SDK_KEY, {
    api: `${proxy.url}/v1`,
    rulesetsSyncIntervalMs: 5_000,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    disableAllLogging: true,
  });
  t.after(() => legacy.shutdownAsync());
  const { success } = await within(legacy.initializeAsync(), 'end of the initialisation');
  assert.equal(success, true);
  assert.equal(legacy.getConfig({ userID: 'a' }, 'demo_config').value['greeting'], 'hello');
  scene.origin.project = { ...scene.origin.project, greeting: 'again' };
  const next = value('next');
  scene.offer(next);
  scene.publish(next);
  await eventually('update in the core SDK', () => core.greeting() === 'again');
});
