// Config specs over HTTP, from a warm proxy: what each kind of client is answered, header by header.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { demoEnvelopes, demoProtobuf, demoV1, demoV2 } from '../../../../scripts/demo-specs.js';
import { canMakeZstd } from '../../../../src/bodies/body-forms.js';
import { startFakeOrigin, type FakeOrigin } from '../../../fakes/fake-origin.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { SDK_KEY, startProxy, type TestProxy } from '../../../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../../../fakes/raw-request.js';

const NO_UPDATES = '{"has_updates":false}';
const clock = new ManualClock();
let origin: FakeOrigin;
let proxy: TestProxy;

before(async () => {
  origin = await startFakeOrigin();
  proxy = await startProxy({ origin: origin.url, clock, env: { SFP_SDK_KEYS: SDK_KEY } });
  await proxy.app.startedUp;
});

after(async () => {
  await Promise.all([proxy.app.stop(), clock.advanceInSteps(5_000, 100)]);
  await origin.close();
});

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<RawAnswer> {
  return rawRequest(`${proxy.url}${path}`, { method, headers });
}

function specOf(api: 'v1' | 'v2'): string {
  return JSON.stringify(api === 'v1' ? demoV1(origin.project) : demoV2(origin.project));
}

const V1 = `/v1/download_config_specs/${SDK_KEY}.json`;
const V2 = `/v2/download_config_specs/${SDK_KEY}.json`;

test('v1 and v2 are answered with the bytes of the origin', async () => {
  for (const [path, api] of [
    [V1, 'v1'],
    [V2, 'v2'],
  ] as const) {
    const answer = await get(path);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, specOf(api));
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['content-encoding'], undefined);
    assert.equal(answer.headers['x-since-time'], String(origin.project.time));
    assert.equal(answer.headers['x-sfp-hostname'], 'test-replica');
    assert.equal(answer.headers.vary, 'accept-encoding, statsig-supports-proto, statsig-api-key');
  }
});

test('each encoding that SDKs ask for decodes to the same spec', async () => {
  const gzip = await get(V1, { 'accept-encoding': 'gzip,deflate' });
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(gzip.bytes).toString(), specOf('v1'));
  const br = await get(V1, { 'accept-encoding': 'statsig-br, gzip, deflate, br' });
  assert.equal(br.headers['content-encoding'], 'br');
  assert.equal(brotliDecompressSync(br.bytes).toString(), specOf('v1'));
  for (const encoding of ['deflate', 'zstd', 'deflate, zstd']) {
    assert.equal((await get(V1, { 'accept-encoding': encoding })).headers['content-encoding'], undefined);
  }
});

test('a client that takes none of our encodings is told so', async () => {
  const answer = await get(V1, { 'accept-encoding': '*;q=0' });
  assert.equal(answer.status, 406);
  assert.equal((JSON.parse(answer.text) as { reason: string }).reason, 'not_acceptable');
});

test('protobuf is passed through under the labels SDKs need', async () => {
  for (const [path, headers] of [
    [`${V2}?supports_proto=true`, {}],
    [V2, { 'statsig-supports-proto': 'true' }],
    [`${V2}?supports_proto=1&foo=bar`, { 'accept-encoding': 'gzip' }],
  ] as const) {
    const answer = await get(path, headers);
    assert.equal(answer.headers['content-type'], 'application/octet-stream');
    assert.equal(answer.headers['content-encoding'], 'statsig-br');
    assert.ok(answer.bytes.equals(demoProtobuf(origin.project)));
  }
});

test('protobuf goes out under zstd to who names that by the name of Statsig, and JSON never', async () => {
  const offered = 'statsig-zstd, statsig-br, gzip, deflate, br';
  const protobuf = await get(`${V2}?supports_proto=true`, { 'accept-encoding': offered });
  assert.equal(protobuf.headers['content-type'], 'application/octet-stream');
  assert.equal(protobuf.headers['content-encoding'], canMakeZstd ? 'statsig-zstd' : 'statsig-br');
  const envelopes = canMakeZstd
    ? execFileSync('zstd', ['--decompress', '--stdout'], { input: protobuf.bytes })
    : brotliDecompressSync(protobuf.bytes);
  assert.ok(envelopes.equals(demoEnvelopes(origin.project)));
  const again = await get(`${V2}?supports_proto=true`, {
    'accept-encoding': offered,
    'if-none-match': String(protobuf.headers.etag),
  });
  assert.equal(again.status, 304);
  assert.equal((await get(V2, { 'accept-encoding': offered })).headers['content-encoding'], 'br');
  assert.equal(
    (await get(V2, { 'accept-encoding': 'statsig-zstd, zstd' })).headers['content-encoding'],
    undefined,
  );
  const excluded = { 'accept-encoding': 'statsig-zstd;q=0, zstd' };
  const br = await get(`${V2}?supports_proto=true`, excluded);
  assert.equal(br.headers['content-encoding'], 'statsig-br');
  const updates = await get(`${V2}?supports_proto=true&sinceTime=${origin.project.time}`, {
    'accept-encoding': offered,
  });
  assert.equal(updates.text, NO_UPDATES);
});

test('a client that is current has no updates, in plain JSON, whatever it accepts', async () => {
  for (const path of [V1, V2, `${V2}?supports_proto=true`]) {
    const separator = path.includes('?') ? '&' : '?';
    for (const sinceTime of [origin.project.time, origin.project.time + 1]) {
      const answer = await get(`${path}${separator}sinceTime=${sinceTime}`, {
        'accept-encoding': 'gzip, br',
      });
      assert.equal(answer.status, 200);
      assert.equal(answer.text, NO_UPDATES);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['content-encoding'], undefined);
      assert.equal(answer.headers['x-since-time'], String(origin.project.time));
    }
  }
});

test('a client without a version, or with 0, or an older one, gets the whole spec', async () => {
  for (const query of ['', '?sinceTime=0', `?sinceTime=${origin.project.time - 1}`, '?sinceTime=-5']) {
    assert.equal((await get(V1 + query)).text, specOf('v1'), query);
  }
});

test('the key may come by header alone, and by POST', async () => {
  const headers = { 'statsig-api-key': SDK_KEY };
  assert.equal((await get('/v1/download_config_specs', headers)).text, specOf('v1'));
  assert.equal((await get('/v2/download_config_specs', headers)).text, specOf('v2'));
  for (const path of ['/v1/download_config_specs', V1]) {
    const full = await rawRequest(proxy.url + path, { method: 'POST', headers, body: '{"sinceTime":0}' });
    assert.equal(full.text, specOf('v1'));
    const body = JSON.stringify({ sinceTime: origin.project.time, statsigMetadata: { sdkType: 'x' } });
    const none = await rawRequest(proxy.url + path, { method: 'POST', headers, body });
    assert.equal(none.text, NO_UPDATES);
  }
  const empty = await rawRequest(proxy.url + V2, { method: 'POST' });
  assert.equal(empty.text, specOf('v2'));
});

test('a POST body is read whatever it is called, and refused with a reason where it is no object', async () => {
  const post = (body: string, type?: string): Promise<RawAnswer> =>
    rawRequest(proxy.url + V1, {
      method: 'POST',
      body,
      headers: type === undefined ? {} : { 'content-type': type },
    });
  for (const type of [
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'text',
    '',
    undefined,
  ]) {
    assert.equal((await post(`{"sinceTime":${origin.project.time}}`, type)).text, NO_UPDATES);
  }
  for (const [body, reason] of [
    ['{"sinceTime":', 'body_invalid'],
    ['[1]', 'body_invalid'],
    ['7', 'body_invalid'],
    [`{"a":"${'x'.repeat(70_000)}"}`, 'body_too_large'],
  ] as const) {
    const answer = await post(body, 'application/json');
    assert.equal((JSON.parse(answer.text) as { reason: string }).reason, reason);
  }
});

test('POST encodings are labelled', async () => {
  const answer = await rawRequest(proxy.url + V1, { method: 'POST', headers: { 'accept-encoding': 'br' } });
  assert.equal(answer.headers['content-encoding'], 'br');
  assert.equal(brotliDecompressSync(answer.bytes).toString(), specOf('v1'));
});

test('HEAD has the headers of GET and no body', async () => {
  for (const path of [V1, `${V2}?supports_proto=true`, `${V1}?sinceTime=${origin.project.time}`]) {
    const [full, head] = [await get(path), await get(path, {}, 'HEAD')];
    assert.equal(head.status, 200);
    assert.equal(head.bytes.length, 0);
    for (const name of ['content-length', 'content-type', 'content-encoding', 'etag', 'x-since-time']) {
      assert.equal(head.headers[name], full.headers[name], name);
    }
  }
});

test('every answer has its length and none is chunked', async () => {
  const answers = await Promise.all([
    get(V1),
    get(V1, { 'accept-encoding': 'gzip' }),
    get(`${V1}?sinceTime=${origin.project.time}`),
    get('/nowhere'),
    get('/v1/health'),
    get(`${V1}?sinceTime=x`),
  ]);
  for (const { headers, bytes } of answers) {
    assert.equal(headers['content-length'], String(bytes.length));
    assert.equal(headers['transfer-encoding'], undefined);
  }
});

test('each form has a tag of its own, and who names it gets 304', async () => {
  const tags = new Set<unknown>();
  for (const encoding of ['identity', 'gzip', 'br']) {
    const first = await get(V1, { 'accept-encoding': encoding });
    const { etag } = first.headers;
    assert.match(etag ?? '', /^"[\w-]+"$/);
    tags.add(etag);
    const headers = { 'accept-encoding': encoding, 'if-none-match': `"other", ${etag}` };
    const again = await get(V1, headers);
    assert.equal(again.status, 304);
    assert.equal(again.bytes.length, 0);
    assert.equal(again.headers.etag, etag);
    assert.equal(again.headers['x-since-time'], String(origin.project.time));
    assert.equal((await get(V1, { ...headers, 'if-none-match': '"other"' })).status, 200);
  }
  assert.equal(tags.size, 3);
});

test('the age is the time since the origin last confirmed the spec', async () => {
  const key = { 'statsig-api-key': 'secret-agedkey0123456789' };
  assert.equal((await get('/v1/download_config_specs', key)).headers.age, '0');
  // Less than the time to the next poll would do; the origin is held, so that none can confirm.
  const release = origin.hold();
  clock.advance(25_900);
  assert.equal((await get('/v1/download_config_specs', key)).headers.age, '25');
  release();
});

test('a sinceTime that is no number counts as none: the whole spec comes, and /status counts it', async () => {
  const ignored = async (): Promise<number> => {
    const { requests } = JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as {
      requests: { sinceTimeIgnored: number };
    };
    return requests.sinceTimeIgnored;
  };
  const before = await ignored();
  for (const query of ['sinceTime=abc', 'sinceTime=', 'sinceTime=1&sinceTime=2']) {
    const answer = await get(`${V1}?${query}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, specOf('v1'), query);
  }
  const posted = await rawRequest(`${proxy.url}${V1}`, { method: 'POST', body: '{"sinceTime":"x"}' });
  assert.equal(posted.text, specOf('v1'));
  assert.equal((await get(`${V1}?sinceTime=${origin.project.time}`)).text, NO_UPDATES);
  assert.equal(await ignored(), before + 4);
});

test('no updates are marked as such for proxies and SDKs in front, and nothing else is', async () => {
  for (const [path, headers] of [
    [V1, {}],
    [V2, {}],
    [V2, { 'statsig-supports-proto': 'true' }],
  ] as const) {
    const current = await get(`${path}?sinceTime=${origin.project.time}`, headers);
    assert.equal(current.text, NO_UPDATES);
    assert.equal(current.headers['x-cache-hit'], 'true');
    assert.equal(current.headers['x-checksum'], undefined, 'this body states none');
    const whole = await get(path, headers);
    assert.equal(whole.headers['x-cache-hit'], undefined);
    assert.equal(whole.headers['x-since-time'], String(origin.project.time), "the body's own time");
  }
});

test('the checksum that a body states is told, exactly, or none', async () => {
  const { checksum } = demoV2(origin.project) as { checksum: string };
  assert.equal((await get(V2)).headers['x-checksum'], checksum);
  assert.equal((await get(V2, { 'statsig-supports-proto': 'true' })).headers['x-checksum'], checksum);
  assert.equal((await get(V1)).headers['x-checksum'], undefined, 'the body of v1 states none');
});

test('who could do with a delta is told why a whole spec comes', async () => {
  const told = async (query: string): Promise<readonly unknown[]> => {
    const { status, headers } = await get(`${V2}?${query}`);
    assert.equal(status, 200);
    assert.equal(headers['x-deltas-used'], undefined);
    return [headers['x-statsig-delta-fallback-reason'], headers['x-statsig-delta-fallback-source']];
  };
  for (const [query, reason] of [
    ['accept_deltas=true', 'supports_proto_required'],
    ['accept_deltas=true&supports_proto=true', 'missing_caller_checksum'],
    ['accept_deltas&supports_proto=true&sinceTime=5', 'missing_caller_checksum'],
    ['accept_deltas=1&supports_proto=true&sinceTime=5&checksum=1', 'no_cached'],
  ] as const) {
    assert.deepEqual(await told(query), [reason, 'local_compute'], query);
  }
  const none = [undefined, undefined];
  assert.deepEqual(await told(''), none);
  assert.deepEqual(await told('accept_deltas=false'), none);
  assert.deepEqual(await told(`accept_deltas=true&sinceTime=${origin.project.time}`), none, 'no updates');
});

test('unknown query parameters are ignored', async () => {
  const answer = await get(`${V1}?checksum=1&accept_deltas=true&k=x&&=&a[b]=c`);
  assert.equal(answer.text, specOf('v1'));
  assert.ok(origin.requests.every(({ url }) => !/checksum|accept_deltas/.test(url)));
});
