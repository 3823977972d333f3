// The files of the page, as the admin port serves what `npm run build` made: small, compressed, strict, and without a token.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { NO_ORIGIN } from '../process/origin.js';

const SENT_BYTES_MAX = 150_000;

interface Answer {
  readonly status: number;
  readonly headers: RawAnswer['headers'];
  readonly bytes: Buffer;
}

async function get(
  proxy: TestProxy,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${proxy.adminUrl}${path}`, { headers });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

/** The addresses of all that the document loads. */
function addressesIn(html: string): readonly string[] {
  return [...html.matchAll(/<(?:link|script|img)\b[^>]*\b(?:href|src)="([^"]*)"/g)].map(
    ([, address = '']) => address,
  );
}

test('the page is whole, small and strict, and needs no token where data does', async (t) => {
  const proxy = await startProxy({ origin: NO_ORIGIN, args: ['--admin-host', '0.0.0.0'] });
  t.after(() => proxy.app.stop());
  assert.equal((await get(proxy, '/api/v1/status')).status, 401);

  const document = await get(proxy, '/');
  assert.equal(document.status, 200, '`npm run build` makes it');
  assert.equal(document.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(document.headers['cache-control'], 'no-cache');
  const html = document.bytes.toString();
  assert.doesNotMatch(
    html,
    /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?:/,
    'nothing inline, nobody else',
  );

  const addresses = addressesIn(html);
  assert.equal(addresses.length, 3, 'a script, a style and an icon');
  const sent = await Promise.all(
    ['/', ...addresses].map((path) =>
      rawRequest(`${proxy.adminUrl}${path}`, { headers: { 'accept-encoding': 'gzip' } }),
    ),
  );
  let sentBytes = 0;
  for (const [index, { status, headers }] of sent.entries()) {
    const path = ['/', ...addresses][index] ?? '';
    assert.equal(status, 200, path);
    assert.equal(headers['content-encoding'], 'gzip', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    if (index > 0) assert.match(String(headers['cache-control']), /immutable/, path);
    const policy = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
    ])
      assert.ok(policy.split('; ').includes(part), `${path}: ${part}`);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/, path);
    sentBytes += Number(headers['content-length']);
  }
  assert.ok(sentBytes > 10_000 && sentBytes <= SENT_BYTES_MAX, `${sentBytes} bytes are sent`);
});

test('each file is one content in every encoding, and is not sent again to whoever has it', async (t) => {
  const proxy = await startProxy({ origin: NO_ORIGIN });
  t.after(() => proxy.app.stop());
  const { bytes } = await get(proxy, '/', { 'accept-encoding': 'identity' });
  const script = addressesIn(bytes.toString()).find((path) => path.endsWith('/main.js')) ?? '';
  for (const path of ['/', script]) {
    const url = `${proxy.adminUrl}${path}`;
    const plain = await rawRequest(url, { headers: { 'accept-encoding': 'identity' } });
    const tags = new Set<unknown>();
    for (const [encoding, decode] of [
      ['gzip', gunzipSync],
      ['br', brotliDecompressSync],
    ] as const) {
      const answer = await rawRequest(url, { headers: { 'accept-encoding': encoding } });
      assert.equal(answer.headers['content-encoding'], encoding);
      assert.equal(decode(answer.bytes).toString(), plain.text, path);
      tags.add(answer.headers.etag);
      const again = await rawRequest(url, {
        headers: { 'accept-encoding': encoding, 'if-none-match': String(answer.headers.etag) },
      });
      assert.deepEqual([again.status, again.bytes.length], [304, 0]);
    }
    assert.equal(tags.size, 2, 'a tag is of one encoding');
  }
  const head = await rawRequest(`${proxy.adminUrl}/`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('no other file can be had', async (t) => {
  const proxy = await startProxy({ origin: NO_ORIGIN });
  t.after(() => proxy.app.stop());
  for (const path of [
    '/page/',
    '/page/x/main.js',
    '/page/../package.json',
    '/page/%2e%2e/%2e%2e/package.json',
    '/index.html',
    '/page/index.html',
    '/page/index.html.gz',
  ])
    assert.equal((await rawRequest(`${proxy.adminUrl}${path}`)).status, 404, path);
});
