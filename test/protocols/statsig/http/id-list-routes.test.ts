// Manifests of ID lists over HTTP: how they are asked for, whose urls they hold, and what is said where there is none.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import type { Reading } from '../../../../src/core/reader.js';
import { ProxyPath } from '../../../../src/protocols/statsig/proxy-path.js';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import { ManifestFiles } from '../../../../src/protocols/statsig/id-lists/manifest-files.js';
import { RewrittenManifests } from '../../../../src/protocols/statsig/id-lists/rewritten-manifests.js';
import { createLogger } from '../../../../src/observability/logger.js';
import { buildFastifyApp } from '../../../../src/servers/http/fastify-app.js';
import {
  addIdListRoutes,
  type IdListOptions,
} from '../../../../src/protocols/statsig/http/id-list-routes.js';
import { PayloadReply } from '../../../../src/protocols/statsig/http/payload-reply.js';
import { httpBounds } from '../../../fakes/http-bounds.js';
import { listenHttp } from '../../../fakes/listening-app.js';
import { LogSink } from '../../../fakes/log-sink.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { rawRequest, type RawAnswer } from '../../../fakes/raw-request.js';
import { ALL_WELL, holding, manifestText, SDK_KEY } from '../id-lists/manifests.js';
import { idListsKey } from '../../../../src/protocols/statsig/resource-kinds.js';

const URL_OF_ORIGIN = 'https://origin.example/lists/a';
const MANIFEST = manifestText({ a: { url: URL_OF_ORIGIN, size: 20, fileID: 'f1' } });
const PATH = '/v1/get_id_lists';
const OURS = /"url":"([^"]*)\/v1\/download_id_list_file\/[\w.-]+"/;

interface Scene {
  readonly url: string;
  readonly clock: ManualClock;
  readonly asked: PayloadKey[];
  reading: Reading | Promise<Reading>;
  post(headers?: Record<string, string>, body?: string): Promise<RawAnswer>;
}

async function startScene(
  t: TestContext,
  options: Partial<IdListOptions> = {},
  listenOn = '127.0.0.1',
): Promise<Scene> {
  const clock = new ManualClock();
  const log = createLogger(new LogSink(), { level: 'info', instanceName: 'test', version: '0.0.0' });
  const http = buildFastifyApp(clock, log, httpBounds());
  const { app } = http;
  const rewritten = new RewrittenManifests(clock, new ManifestFiles(), ALL_WELL, createConcurrencyLimit(1));
  const source = {
    read: (key: PayloadKey) => {
      scene.asked.push(key);
      return scene.reading;
    },
  };
  const path = new ProxyPath('0123456789abcdef');
  addIdListRoutes(
    app,
    path,
    source,
    rewritten.of.bind(rewritten),
    new PayloadReply(clock, { answer: () => 'unsupported_path' }, { polled: () => undefined }),
    {
      publicUrl: '',
      rewritesUrls: true,
      ...options,
    },
  );
  const port = await listenHttp(t, http, { host: listenOn });
  const url = `http://${listenOn.includes(':') ? `[${listenOn}]` : listenOn}:${port.number}`;
  const scene: Scene = {
    url,
    clock,
    asked: [],
    reading: { kind: 'held', held: holding(MANIFEST) },
    post: (headers = {}, body = '{}') =>
      rawRequest(url + PATH, { method: 'POST', headers: { 'statsig-api-key': SDK_KEY, ...headers }, body }),
  };
  return scene;
}

function baseIn(answer: RawAnswer): string | undefined {
  return OURS.exec(answer.text)?.[1];
}

test('every way that SDKs ask is understood', async (t) => {
  const scene = await startScene(t);
  const byHeader = { 'statsig-api-key': SDK_KEY };
  const ways: [
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string },
  ][] = [
    [PATH, { method: 'POST', headers: byHeader, body: '{}' }],
    [PATH, { method: 'POST', headers: { ...byHeader, 'content-length': '0' } }],
    [PATH, { method: 'POST', headers: byHeader, body: '{"statsigMetadata":{"sdkType":"py-server"}}' }],
    [PATH, { method: 'POST', headers: { ...byHeader, 'content-type': 'a/b/c' }, body: 'not JSON' }],
    [`${PATH}/${SDK_KEY}`, { method: 'POST', body: '{}' }],
    [`${PATH}/${SDK_KEY}.json?sinceTime=5`, {}],
    [`${PATH}/${SDK_KEY}`, {}],
    [PATH, { headers: byHeader }],
  ];
  for (const [path, options] of ways) {
    const answer = await rawRequest(scene.url + path, options);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['x-since-time'], '0');
    assert.equal(Number(answer.headers['content-length']), answer.bytes.length);
    assert.equal(baseIn(answer), scene.url);
  }
  assert.deepEqual(
    scene.asked,
    ways.map(() => idListsKey(SDK_KEY)),
  );
});

test('urls begin with the host that the request names, and with nothing that is no host', async (t) => {
  const scene = await startScene(t);
  for (const host of ['proxy', 'proxy.ns.svc:8000', '10.0.0.1:80', '[::1]:8000']) {
    assert.equal(baseIn(await scene.post({ host })), `http://${host}`);
  }
  for (const host of ['', 'a b', 'a"b', 'a/b', 'a@b', '\\', 'x'.repeat(300), 'proxy:123456']) {
    assert.equal(baseIn(await scene.post({ host })), scene.url, host);
  }
});

test('beside a few hosts that are asked for, others get the address they came to', async (t) => {
  const scene = await startScene(t);
  const hosts = Array.from({ length: 16 }, (_none, index) => `proxy-${index}`);
  for (const host of hosts) assert.equal(baseIn(await scene.post({ host })), `http://${host}`);
  assert.equal(baseIn(await scene.post({ host: 'stranger' })), scene.url);
  assert.equal(baseIn(await scene.post({ host: 'proxy-0' })), 'http://proxy-0');
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ family }) => family === 'IPv6'),
);

test('a server’s address is written as clients know it', { skip: !hasIpv6 && 'no IPv6 here' }, async (t) => {
  const scene = await startScene(t, {}, '::');
  const { port } = new URL(scene.url);
  const ask = async (host: string): Promise<string | undefined> => {
    const headers = { 'statsig-api-key': SDK_KEY, host: '' };
    return baseIn(await rawRequest(`http://${host}:${port}${PATH}`, { headers }));
  };
  assert.equal(await ask('127.0.0.1'), `http://127.0.0.1:${port}`);
  assert.equal(await ask('[::1]'), `http://[::1]:${port}`);
});

test('a public url goes before the host, with its path and whatever its end', async (t) => {
  for (const publicUrl of ['https://edge.example/statsig', 'https://edge.example/statsig/']) {
    const scene = await startScene(t, { publicUrl });
    assert.equal(baseIn(await scene.post()), 'https://edge.example/statsig');
  }
});

test('with rewriting off the manifest is the origin’s, byte for byte', async (t) => {
  const scene = await startScene(t, { rewritesUrls: false, publicUrl: 'https://edge.example' });
  assert.equal((await scene.post()).text, MANIFEST);
});

test('encodings and validators are those of what is sent', async (t) => {
  const scene = await startScene(t);
  const plain = await scene.post();
  const gzip = await scene.post({ 'accept-encoding': 'gzip' });
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(gzip.bytes).toString(), plain.text);
  const again = { headers: { 'statsig-api-key': SDK_KEY, 'if-none-match': String(plain.headers.etag) } };
  assert.equal((await rawRequest(scene.url + PATH, again)).status, 304);
  const elsewhere = { headers: { ...again.headers, host: 'another' } };
  assert.equal((await rawRequest(scene.url + PATH, elsewhere)).status, 200, 'other urls are another body');
  assert.equal((await scene.post({ 'if-none-match': String(plain.headers.etag) })).status, 200);
});

test('a manifest that has to be fetched is waited for', async (t) => {
  const scene = await startScene(t);
  scene.reading = Promise.resolve({ kind: 'held', held: holding('{}') });
  assert.equal((await scene.post()).text, '{}');
});

test('its age is told, also while the origin fails', async (t) => {
  const scene = await startScene(t);
  const before = scene.clock.monotonicMs();
  scene.reading = { kind: 'held', held: { ...holding(MANIFEST), confirmedAtMs: before - 90_000 } };
  assert.equal((await scene.post()).headers.age, '90');
});

test('no key, a bad key, a refused key and no manifest are told apart', async (t) => {
  const scene = await startScene(t);
  const reasonOf = (answer: RawAnswer): unknown => (JSON.parse(answer.text) as { reason: unknown }).reason;
  const none = await rawRequest(scene.url + PATH, { method: 'POST', body: '{}' });
  assert.deepEqual([none.status, reasonOf(none)], [400, 'sdk_key_missing']);
  assert.match(none.text, /\/v1\/get_id_lists\/<KEY>\.json/);
  const bad = await scene.post({ 'statsig-api-key': 'a/b' });
  assert.deepEqual([bad.status, reasonOf(bad)], [400, 'sdk_key_invalid']);
  assert.deepEqual(scene.asked, []);
  scene.reading = { kind: 'refused' };
  const refused = await scene.post();
  assert.deepEqual([refused.status, reasonOf(refused)], [401, 'key_refused']);
  scene.reading = { kind: 'unavailable', cause: 'origin_failing', detail: 'status_500', retryAfterMs: 900 };
  const failing = await scene.post();
  assert.deepEqual([failing.status, reasonOf(failing)], [503, 'origin_failing']);
  assert.equal(failing.headers['retry-after'], '1');
});
