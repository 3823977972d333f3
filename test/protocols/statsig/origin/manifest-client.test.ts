// Manifests of ID lists from a real server: how they are asked for, what each answer comes to, and which version they get.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { FetchOutcome, Origin } from '../../../../src/core/origin.js';
import { MANIFEST_BYTES_MAX } from '../../../../src/protocols/statsig/spec-body/manifest-reader.js';
import { createManifestClient } from '../../../../src/protocols/statsig/origin/manifest-client.js';
import { ManualClock } from '../../../fakes/manual-clock.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';
import { idListsKey } from '../../../../src/protocols/statsig/resource-kinds.js';

const KEY = idListsKey('secret-lists-0123456789');
const MANIFEST = Buffer.from('{"a":{"size":20,"url":"https://o.example/a","fileID":"f1"}}');
const DATE = 'Sun, 22 Nov 2026 10:00:00 GMT';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Scene {
  readonly client: Origin;
  readonly clock: ManualClock;
  readonly asked: readonly Asked[];
}

async function startScene(
  t: TestContext,
  answer: (response: ServerResponse) => void,
  path = '',
): Promise<Scene> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, headers, body: Buffer.concat(pieces).toString() });
      answer(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new ManualClock();
  const client = createManifestClient(clock, {
    ...CLIENT_OPTIONS,
    endpoint: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`),
  });
  t.after(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, clock, asked };
}

function sending(body: Buffer, headers: Record<string, string> = {}, status = 200) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', date: DATE, ...headers }).end(body);
  };
}

function reasonOf(outcome: FetchOutcome): string {
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
}

test('a manifest is asked for as SFP and SDKs do, with the key in a header', async (t) => {
  const { client, asked } = await startScene(t, sending(MANIFEST), '/under/');
  await client.fetch(KEY, 1_700_000_000_000);
  const [first] = asked;
  assert.deepEqual([first?.method, first?.url, first?.body], ['POST', '/under/v1/get_id_lists', '{}']);
  assert.equal(first?.headers['statsig-api-key'], KEY.sdkKey);
  assert.equal(first.headers['content-type'], 'application/json');
  assert.equal(first.headers['x-sfp-version'], '1.2.3');
});

test('it is kept as its bytes are without compression, in whatever encoding it came', async (t) => {
  const marked = Buffer.concat([Buffer.from('\ufeff'), MANIFEST]);
  const coded: Record<string, Buffer> = {
    '': MANIFEST,
    identity: marked,
    'x-gzip': gzipSync(marked),
    gzip: gzipSync(MANIFEST),
    br: brotliCompressSync(MANIFEST),
  };
  const etags = new Set<string>();
  for (const [encoding, body] of Object.entries(coded)) {
    const type = { 'content-type': 'application/octet-stream' };
    const headers: Record<string, string> = encoding === '' ? {} : { ...type, 'content-encoding': encoding };
    const { client } = await startScene(t, sending(body, headers));
    const outcome = await client.fetch(KEY, 0);
    assert.equal(outcome.kind, 'updated');
    const { originForm, identityBytes } = outcome.payload;
    assert.deepEqual(
      [originForm.encoding, originForm.bytes, identityBytes],
      ['identity', MANIFEST, MANIFEST.length],
    );
    etags.add(originForm.etag);
  }
  assert.equal(etags.size, 1);
});

test('its version is when the origin answered, and newer than what is held', async (t) => {
  const versionOf = async (client: Origin, held: number): Promise<number> => {
    const outcome = await client.fetch(KEY, held);
    assert.equal(outcome.kind, 'updated');
    return outcome.payload.version;
  };
  const dated = await startScene(t, sending(MANIFEST));
  const version = await versionOf(dated.client, 0);
  assert.equal(Math.floor(version / 1000), Date.parse(DATE) / 1000);
  assert.equal(await versionOf(dated.client, 0), version);
  const other = await startScene(t, sending(Buffer.from('{}')));
  assert.notEqual(await versionOf(other.client, 0), version, 'another body of the same second');
  const ahead = 2_000_000_000_000;
  for (const held of [version, version + 999, ahead, ahead + 999]) {
    const [mine, theirs] = [await versionOf(dated.client, held), await versionOf(other.client, held)];
    assert.ok(Math.min(mine, theirs) > held, `${held} is held`);
    assert.ok(Math.max(mine, theirs) < held + 2_000);
    assert.notEqual(mine, theirs, 'another body in place of the same one');
  }
  const undated = await startScene(t, (response) => {
    response.sendDate = false;
    response.writeHead(200).end(MANIFEST);
  });
  const bodyMs = version % 1000;
  assert.equal(await versionOf(undated.client, 0), undated.clock.nowMs() + bodyMs);
  const misdated = await startScene(t, sending(MANIFEST, { date: 'yesterday' }));
  assert.equal(await versionOf(misdated.client, 0), misdated.clock.nowMs() + bodyMs);
  const farAhead = await startScene(t, sending(MANIFEST, { date: 'Fri, 01 Jan 2100 00:00:00 GMT' }));
  assert.equal(await versionOf(farAhead.client, 0), farAhead.clock.nowMs() + bodyMs);
});

test('no lists are an answer, and what is no manifest is a failure with its reason', async (t) => {
  const outcomes: [body: Buffer | string, reason: string, headers?: Record<string, string>][] = [
    ['{}', 'updated'],
    ['', 'empty_body'],
    ['<html>', 'not_json'],
    ['[]', 'not_json'],
    ['{"error":"x"}', 'no_id_lists'],
    [MANIFEST.subarray(0, 20), 'truncated'],
    [MANIFEST, 'decoding_failed', { 'content-encoding': 'gzip' }],
    [MANIFEST, 'unsupported_encoding', { 'content-encoding': 'deflate' }],
    [Buffer.alloc(MANIFEST_BYTES_MAX + 1, ' '), 'body_too_large'],
    [
      gzipSync(Buffer.alloc(MANIFEST_BYTES_MAX + 1, ' ')),
      'decoded_body_too_large',
      { 'content-encoding': 'gzip' },
    ],
  ];
  for (const [body, reason, headers] of outcomes) {
    const { client } = await startScene(t, sending(Buffer.from(body), headers));
    assert.equal(reasonOf(await client.fetch(KEY, 0)), reason, String(body).slice(0, 20));
  }
});

test('the status decides, never the text', async (t) => {
  for (const status of [401, 403]) {
    const { client } = await startScene(t, sending(MANIFEST, {}, status));
    assert.deepEqual(await client.fetch(KEY, 0), { kind: 'unauthorized', status });
  }
  for (const status of [204, 307, 404, 429, 500, 503]) {
    const { client } = await startScene(t, sending(status === 204 ? Buffer.alloc(0) : MANIFEST, {}, status));
    assert.equal(reasonOf(await client.fetch(KEY, 0)), `status_${status}`);
  }
  const page = await startScene(t, sending(Buffer.from('<html>'), { 'content-type': 'text/html' }, 403));
  assert.equal(reasonOf(await page.client.fetch(KEY, 0)), 'foreign_answer');
  const later = await startScene(t, sending(MANIFEST, { 'retry-after': '7' }, 503));
  const outcome = await later.client.fetch(KEY, 0);
  assert.equal(outcome.kind === 'failed' && outcome.retryAfterMs, 7_000);
});

test('an origin that says nothing is given up in time', async (t) => {
  const { client, clock, asked } = await startScene(t, () => undefined);
  const fetching = client.fetch(KEY, 0);
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(30_000);
  assert.equal(reasonOf(await fetching), 'request_timeout');
});

test('a kept connection that breaks in the same moment is not the origin’s failure', async (t) => {
  let count = 0;
  const { client, asked } = await startScene(t, (response) => {
    count += 1;
    if (count === 2) response.socket?.destroy();
    else sending(MANIFEST)(response);
  });
  assert.equal((await client.fetch(KEY, 0)).kind, 'updated');
  assert.equal((await client.fetch(KEY, 0)).kind, 'updated');
  assert.equal(asked.length, 3);
});
