// Remote values from an origin: what is asked, over which HTTP, with whose key, and that nothing else is taken for one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { FetchOutcome, Origin } from '../../../../src/core/origin.js';
import { systemClock } from '../../../../src/domain/clock.js';
import { createRemoteValueClient } from '../../../../src/protocols/statsig/origin/remote-value-client.js';
import { valueKey } from '../../../../src/protocols/statsig/remote-values/value-kind.js';
import { startRawOrigin } from '../../../fakes/raw-origin.js';
import { CLIENT_OPTIONS } from '../../../http-client/client-options.js';
import { startH2Origin } from '../../../http-client/h2-scene.js';
import { value } from '../remote-values/value-scene.js';

const VALUE = value('asked for');
const KEY = valueKey(VALUE.sha256);
const JSON_TYPE = { 'content-type': 'application/json' };

function startClient(
  t: TestContext,
  endpoint: string,
  options: { readonly caPem?: string; readonly sdkKey?: string } = {},
): Origin {
  const { caPem, sdkKey } = options;
  const all = { ...CLIENT_OPTIONS, headersTimeoutMs: 1_000, endpoint: new URL(endpoint), caPem };
  const client = createRemoteValueClient(systemClock, all, () => sdkKey);
  t.after(() => client.close());
  return client;
}

function told(outcome: FetchOutcome): string {
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
}

test('it is asked for by its hash below the path of the endpoint, with the key of a spec that names it', async (t) => {
  const origin = await startRawOrigin(() => ({ status: 200, headers: JSON_TYPE, body: VALUE.bytes }));
  t.after(() => origin.close());
  const client = startClient(t, `${origin.url}/cdn/`, { sdkKey: 'secret-k' });
  const outcome = await client.fetch(KEY, 0);
  assert.equal(outcome.kind, 'updated');
  assert.deepEqual(outcome.payload.originForm.bytes, VALUE.bytes);
  assert.equal(outcome.payload.identityBytes, VALUE.byteLength);
  const [request] = origin.requests;
  assert.equal(request?.target, `/cdn/v1/dynamic_config_value/${VALUE.sha256}`);
  assert.equal(request.headers['statsig-api-key'], 'secret-k');
  assert.equal(request.headers['accept-encoding'], 'br, gzip');
});

test('HTTP/2 brings it too, and a stream that is struck costs one fetch', async (t) => {
  const body = gzipSync(VALUE.bytes);
  const handler = (): object => ({
    status: 200,
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
    body,
  });
  const origin = await startH2Origin(t, { handler: handler as never });
  const client = startClient(t, origin.url, { caPem: origin.caPem });
  assert.equal(told(await client.fetch(KEY, 0)), 'updated');
  for (const fault of ['goaway-during', 'refuse', 'reset-during', 'silence-before', 'stop-during'] as const) {
    let isStruck = false;
    origin.fault = () => {
      if (isStruck) return undefined;
      isStruck = true;
      return fault;
    };
    const outcome = told(await client.fetch(KEY, 0));
    const expected = {
      'goaway-during': ['updated'],
      refuse: ['updated'],
      'reset-during': ['connection_lost'],
      'silence-before': ['headers_timeout'],
      // Its head told how much there would be.
      'stop-during': ['truncated', 'connection_lost'],
    }[fault];
    assert.ok(expected.includes(outcome), `${fault}: ${outcome}`);
    assert.equal(told(await client.fetch(KEY, 0)), 'updated', `after ${fault}`);
  }
});

test('a redirect is followed without the key, which is for the endpoint alone', async (t) => {
  const target = await startRawOrigin(() => ({ status: 200, headers: JSON_TYPE, body: VALUE.bytes }));
  const location = `${target.url}/elsewhere`;
  const origin = await startRawOrigin(() => ({ status: 302, headers: { location }, body: Buffer.alloc(0) }));
  t.after(() => Promise.all([origin.close(), target.close()]));
  const client = startClient(t, origin.url, { sdkKey: 'secret-k' });
  assert.equal(told(await client.fetch(KEY, 0)), 'updated');
  assert.equal(origin.requests[0]?.headers['statsig-api-key'], 'secret-k');
  assert.equal(target.requests[0]?.headers['statsig-api-key'], undefined);
});

test('of whatever an origin answers, only bytes with the right hash are taken', async (t) => {
  let answer: { status: number; headers: Record<string, string>; body: Buffer } = {
    status: 200,
    headers: {},
    body: Buffer.alloc(0),
  };
  const server = createServer((_request, response) => {
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = startClient(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const bodies = fc.oneof(
    fc.constant(VALUE.bytes),
    fc.constant(gzipSync(VALUE.bytes)),
    fc.nat({ max: VALUE.byteLength }).map((to) => VALUE.bytes.subarray(0, to)),
    fc.nat({ max: VALUE.byteLength - 1 }).map((at) => {
      const changed = Buffer.from(VALUE.bytes);
      changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
      return changed;
    }),
    fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), VALUE.bytes])),
  );
  const encodings = fc.constantFrom('', 'identity', 'gzip', 'br', 'zstd', 'statsig-br');
  const statuses = fc.constantFrom(200, 200, 200, 203, 206, 401, 403, 404, 429, 500);
  await fc.assert(
    fc.asyncProperty(bodies, encodings, statuses, async (body, encoding, status) => {
      const coding = encoding === '' ? {} : { 'content-encoding': encoding };
      answer = { status, headers: { ...JSON_TYPE, ...coding }, body };
      const outcome = await client.fetch(KEY, 0);
      const isPlain = encoding === '' || encoding === 'identity';
      const isRight = isPlain
        ? body.equals(VALUE.bytes)
        : encoding === 'gzip' && body.equals(gzipSync(VALUE.bytes));
      assert.equal(outcome.kind, status === 200 && isRight ? 'updated' : 'failed');
    }),
    { numRuns: 300 },
  );
});
