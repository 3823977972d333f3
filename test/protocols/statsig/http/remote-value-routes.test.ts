// Remote values over HTTP: which paths are one, and what of it each client is answered.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { startFakeOrigin } from '../../../fakes/fake-origin.js';
import type { TestProxy } from '../../../fakes/proxy.js';
import { rawRequest } from '../../../fakes/raw-request.js';
import { ask, decoded, isTakenBySdk, SDK_HEADERS, value, ValueScene } from '../remote-values/value-scene.js';

const VALUE = value('served');
let scene: ValueScene;
let proxy: TestProxy;

before(async () => {
  scene = new ValueScene(await startFakeOrigin());
  scene.offer(VALUE);
  proxy = await scene.startProxy();
});

after(() => scene.close());

test('a value is answered with its bytes, whatever key the client has, and is asked for once', async () => {
  const many = Array.from({ length: 20 }, (_none, index) => {
    const headers = index % 2 === 0 ? {} : { 'statsig-api-key': `secret-${index}` };
    return ask(proxy, VALUE.sha256, headers);
  });
  for (const answer of await Promise.all(many)) {
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.bytes, VALUE.bytes);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['content-encoding'], undefined);
    assert.equal(answer.headers['content-length'], String(VALUE.byteLength));
    assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(answer.headers.etag, `"${VALUE.sha256}"`);
    assert.equal(answer.headers.vary, 'accept-encoding');
  }
  assert.equal(scene.asked(VALUE), 1);
  const [request] = scene.origin.requests.filter(({ url }) => url.endsWith(VALUE.sha256));
  assert.equal(request?.headers['statsig-api-key'], undefined, 'a key of a stranger goes nowhere');
});

test('SDKs take it in each encoding', async () => {
  for (const encoding of ['gzip', 'br', 'identity'] as const) {
    const answer = await ask(proxy, VALUE.sha256, { ...SDK_HEADERS, 'accept-encoding': encoding });
    assert.equal(answer.headers['content-encoding'], encoding === 'identity' ? undefined : encoding);
    assert.equal(isTakenBySdk(answer, VALUE), true);
    assert.equal(answer.headers['content-length'], String(answer.bytes.length));
  }
  const none = await ask(proxy, VALUE.sha256, { 'accept-encoding': 'identity;q=0, zstd' });
  assert.equal(none.status, 406);
  assert.equal(none.headers['cache-control'], 'no-store');
});

test('HEAD is answered like GET, without a body', async () => {
  const [get, head] = await Promise.all([
    ask(proxy, VALUE.sha256),
    ask(proxy, VALUE.sha256, SDK_HEADERS, 'HEAD'),
  ]);
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
  for (const name of ['content-length', 'content-type', 'content-encoding', 'etag', 'cache-control']) {
    assert.equal(head.headers[name], get.headers[name], name);
  }
});

test('If-None-Match with the hash is answered 304', async () => {
  for (const tag of [`"${VALUE.sha256}"`, `W/"${VALUE.sha256}"`, '*', `"x", "${VALUE.sha256}"`]) {
    const answer = await ask(proxy, VALUE.sha256, { 'if-none-match': tag });
    assert.equal(answer.status, 304);
    assert.equal(answer.bytes.length, 0);
    assert.equal(answer.headers.etag, `"${VALUE.sha256}"`);
  }
  assert.equal((await ask(proxy, VALUE.sha256, { 'if-none-match': '"other"' })).status, 200);
});

test('a query is not looked at, and goes nowhere', async () => {
  const answer = await ask(proxy, `${VALUE.sha256}?x=../../secret`);
  assert.deepEqual(decoded(answer), VALUE.bytes);
  assert.equal(
    scene.origin.requests.every(({ url }) => !url.includes('?')),
    true,
  );
});

test('a value that the origin does not have is answered 404, which no cache may keep', async () => {
  const unknown = value('unknown');
  const answer = await ask(proxy, unknown.sha256);
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal((JSON.parse(answer.text) as { reason: string }).reason, 'not_found');
  await ask(proxy, unknown.sha256);
  assert.equal(scene.asked(unknown), 1, 'it is remembered for a moment');
});

test('nothing but 64 digits in lower case reaches the origin, whatever the path is', async () => {
  const before = scene.origin.requests.length;
  const hex = VALUE.sha256;
  const odd = fc.oneof(
    fc.constantFrom(
      hex.toUpperCase(),
      hex.slice(1),
      `${hex}0`,
      `${hex}.json`,
      `${hex}/x`,
      `${hex.slice(1)}g`,
      `%${hex.charCodeAt(0).toString(16)}${hex.slice(1)}`,
      `..%2f${hex}`,
      `../dynamic_config_value/${hex.slice(2)}zz`,
      `${hex};x`,
      `${hex}%00`,
      `${hex}%0d%0ahost:x`,
      '%2e%2e%2fv1',
    ),
    fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdefABCDEF%./\\:@;&=+')), maxLength: 70 }),
    fc.webPath(),
  );
  await fc.assert(
    fc.asyncProperty(odd, async (path) => {
      if (/^\/*[0-9a-f]{64}\/*$/.test(path)) return;
      const answer = await rawRequest(`${proxy.url}/v1/dynamic_config_value/${path}`);
      assert.ok([400, 404].includes(answer.status), `${answer.status} for ${path}`);
    }),
    { numRuns: 150 },
  );
  assert.equal(scene.origin.requests.length, before);
});

test('other methods are no way to a value', async () => {
  for (const method of ['POST', 'PUT', 'DELETE']) {
    assert.equal((await ask(proxy, VALUE.sha256, {}, method)).status, 404);
  }
});
