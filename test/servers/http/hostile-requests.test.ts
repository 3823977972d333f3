// Requests that mean no good: each gets a clear 4xx in the one shape of errors, and none reaches the origin.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { startFakeOrigin, type FakeOrigin } from '../../fakes/fake-origin.js';
import { SDK_KEY, startProxy, type TestProxy } from '../../fakes/proxy.js';
import { rawRequest } from '../../fakes/raw-request.js';

let origin: FakeOrigin;
let proxy: TestProxy;

before(async () => {
  origin = await startFakeOrigin();
  proxy = await startProxy({ origin: origin.url });
});

after(async () => {
  await proxy.app.stop();
  await origin.close();
});

interface ErrorShape {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

/** Sends bytes as they are and gives back what comes until the server closes. */
async function sendRaw(
  bytes: string | Uint8Array,
): Promise<{ readonly status: number; readonly error: ErrorShape }> {
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), error: JSON.parse(body === '' ? '{}' : body) as ErrorShape };
}

function requestLine(target: string): string {
  return `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
}

const PREFIX = '/v1/download_config_specs';

for (const [target, status, reason] of [
  [`${PREFIX}/`, 400, 'sdk_key_missing'],
  [PREFIX, 400, 'sdk_key_missing'],
  [`${PREFIX}/..%2f..%2fetc%2fpasswd.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/%2e%2e`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/a%3Fx=1.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/a%23.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/a%00b.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/a%0d%0aX-Header:1.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/%F0%9F%92%A9.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/%E0%A4%A.json`, 400, 'request_invalid'],
  [`${PREFIX}/${'a'.repeat(5_000)}.json`, 400, 'sdk_key_invalid'],
  [`${PREFIX}/a/b.json`, 404, 'not_found'],
  [`/${PREFIX}/a/b.json`, 404, 'not_found'],
  ['/v3/download_config_specs/a.json', 404, 'not_found'],
  ['/../../etc/passwd', 404, 'not_found'],
  ['/', 404, 'not_found'],
  [`/${PREFIX}//`, 400, 'sdk_key_missing'],
] as const) {
  test(`GET ${target.slice(0, 80)} is ${status} ${reason}`, async () => {
    const { status: got, error } = await sendRaw(requestLine(target));
    assert.equal(got, status);
    assert.deepEqual(
      { code: error.code, reason: error.reason, hasMessage: error.message.length > 0 },
      { code: status, reason, hasMessage: true },
    );
    assert.equal(origin.requests.length, 0);
  });
}

test('other methods are not found', async () => {
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const answer = await rawRequest(`${proxy.url}${PREFIX}/${SDK_KEY}.json`, { method });
    assert.equal(answer.status, 404, method);
  }
});

test('headers beyond 16 KiB are 431', async () => {
  const { status, error } = await sendRaw(
    `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(17_000)}\r\n\r\n`,
  );
  assert.equal(status, 431);
  assert.equal(error.reason, 'header_too_large');
});

test('an Expect that is not 100-continue is 417, a request without a Host is answered', async () => {
  const head = 'GET /v1/health HTTP/1.1\r\n';
  const expecting = await sendRaw(`${head}host: x\r\nexpect: a miracle\r\nconnection: close\r\n\r\n`);
  assert.deepEqual([expecting.status, expecting.error.reason], [417, 'expectation_failed']);
  const hostless = await sendRaw(`${head}connection: close\r\n\r\n`);
  assert.equal(hostless.status, 200);
});

test('what is not HTTP is 400', async () => {
  const { status, error } = await sendRaw('\x16\x03\x01\x02\x00 hello\r\n\r\n');
  assert.equal(status, 400);
  assert.equal(error.reason, 'request_invalid');
});

test('a message from the server never repeats the key', async () => {
  const { error } = await sendRaw(requestLine(`${PREFIX}/${SDK_KEY}%00.json`));
  assert.ok(!JSON.stringify(error).includes(SDK_KEY));
});

test('random paths are answered with 4xx and reach nobody', async () => {
  const segment = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }).map(encodeURIComponent),
    fc.constantFrom('..', '.', '%2e%2e', '%00', '%', '%zz', '', 'a b'.replace(' ', '%20')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { minLength: 2, maxLength: 5 }), async (segments) => {
      const { status, error } = await sendRaw(requestLine(`${PREFIX}/${segments.join('/')}/x%00`));
      assert.ok(status >= 400 && status < 500, String(status));
      assert.equal(error.code, status);
    }),
    { numRuns: 150 },
  );
  assert.equal(origin.requests.length, 0);
});
