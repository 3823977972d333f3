// http:// origins behind an outbound proxy: the whole url on a kept connection, a login, exempt hosts, and every way to fail.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/domain/clock.js';
import { exemptHosts, proxyLogin } from '../../src/http-client/outbound/outbound-proxy.js';
import { RequestSignal } from '../../src/http-client/request-signal.js';
import { UpstreamPool } from '../../src/http-client/upstream-pool.js';
import {
  createUpstreamClient,
  type UpstreamOptions,
} from '../../src/protocols/statsig/origin/upstream-client.js';
import { createManifestClient } from '../../src/protocols/statsig/origin/manifest-client.js';
import { idListsKey, SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';
import { makeCertificate } from '../fakes/certificate.js';
import { startForwardProxy } from '../fakes/forward-proxy.js';
import { freePort } from '../fakes/free-port.js';
import { ManualClock } from '../fakes/manual-clock.js';
import { CLIENT_OPTIONS } from './client-options.js';

const KEY = { sdkKey: 'secret-testkey0123456789', kind: SPEC_V1, format: 'json' } as const;
const SPEC = '{"has_updates":true,"time":1800000000000}';

interface PlainOrigin {
  readonly url: string;
  readonly host: string;
  readonly requests: IncomingMessage[];
}

async function startOrigin(t: TestContext, answer?: RequestListener): Promise<PlainOrigin> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    if (answer !== undefined) answer(request, response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}`, host, requests };
}

function optionsFor(origin: string, changes: Partial<UpstreamOptions>): UpstreamOptions {
  return {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin),
    bodyLimits: { encodedBytesMax: 1_000_000, decodedBytesMax: 1_000_000 },
    ...changes,
  };
}

async function fetchSpec(t: TestContext, origin: string, changes: Partial<UpstreamOptions>): Promise<string> {
  const client = createUpstreamClient(systemClock, optionsFor(origin, changes));
  t.after(() => client.close());
  const outcome = await client.fetch(KEY, 0);
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
}

test('specs, manifests and posts of an http origin are forwarded, by their whole url, on kept connections', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await startForwardProxy(t);
  const options = optionsFor(origin.url, { httpProxy: proxy.url });
  const specs = createUpstreamClient(systemClock, options);
  t.after(() => specs.close());
  for (let asked = 0; asked < 10; asked += 1) assert.equal((await specs.fetch(KEY, 0)).kind, 'updated');
  const path = `/v1/download_config_specs/${KEY.sdkKey}.json`;
  assert.deepEqual(
    proxy.asked,
    Array(10).fill({ method: 'GET', target: origin.url + path, host: origin.host }),
  );
  // undici may take a second one for a request that comes while the first answer's end is told.
  assert.ok(proxy.connections <= 2, String(proxy.connections));
  const manifests = createManifestClient(systemClock, options);
  t.after(() => manifests.close());
  await manifests.fetch(idListsKey(KEY.sdkKey), 0);
  assert.equal(proxy.asked.at(-1)?.method, 'POST');
  assert.equal(proxy.asked.at(-1)?.target, `${origin.url}/v1/get_id_lists`);
  const [first] = origin.requests;
  assert.equal(first?.url, path);
  assert.equal(first.headers.host, origin.host);
});

test('a login in the proxy URL is sent to the proxy, and the origin never sees it', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await startForwardProxy(t, { login: 'us er:p@ss/%' });
  const { host } = new URL(proxy.url);
  const httpProxy = `http://us%20er:p%40ss%2F%25@${host}`;
  assert.equal(await fetchSpec(t, origin.url, { httpProxy }), 'updated');
  assert.equal(origin.requests[0]?.headers['proxy-authorization'], undefined);
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url }), 'status_407');
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: `http://other:x@${host}` }), 'status_407');
});

test('a login may be a name alone, a password alone, and have a percent sign of its own', () => {
  const decoded = (url: string): string =>
    Buffer.from(proxyLogin(url)?.replace('Basic ', '') ?? '', 'base64').toString();
  assert.equal(proxyLogin('http://proxy:3128'), undefined);
  assert.equal(proxyLogin(''), undefined);
  assert.equal(decoded('http://token@proxy:3128'), 'token:');
  assert.equal(decoded('http://:secret@proxy:3128'), ':secret');
  assert.equal(decoded('http://user:100%@proxy:3128'), 'user:100%');
});

test('a login of any characters arrives as it was meant', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: 'grapheme' }),
      (user, word) => {
        const url = `http://${encodeURIComponent(user)}:${encodeURIComponent(word)}@proxy:3128`;
        const login = proxyLogin(url)?.replace('Basic ', '') ?? '';
        assert.equal(Buffer.from(login, 'base64').toString(), `${user}:${word}`);
      },
    ),
  );
});

test('a login reaches a proxy that opens tunnels as well', async (t) => {
  const server = createServer();
  const logins: unknown[] = [];
  server.on('connect', ({ headers }: IncomingMessage, socket) => {
    logins.push(headers['proxy-authorization']);
    socket.end('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const httpsProxy = `http://token@127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal(await fetchSpec(t, 'https://origin.invalid', { httpsProxy }), 'outbound_proxy_failed');
  assert.deepEqual(logins, [`Basic ${Buffer.from('token:').toString('base64')}`]);
});

test('exempt hosts are reached without the proxy', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await startForwardProxy(t);
  const { port } = new URL(origin.url);
  for (const noProxy of [
    '*',
    'a.example, *',
    '127.0.0.1',
    'x,127.0.0.1',
    `127.0.0.1:${port}`,
    'x 127.0.0.1',
  ]) {
    assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url, noProxy }), 'updated', noProxy);
    assert.deepEqual(proxy.asked, [], noProxy);
  }
  for (const noProxy of ['', '127.0.0', '127.0.0.1:1', 'localhost', ',']) {
    proxy.asked.length = 0;
    assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url, noProxy }), 'updated', noProxy);
    assert.equal(proxy.asked.length, 1, noProxy);
  }
  assert.equal(exemptHosts('::1,.example,[::2],10.0.0.1'), '[::1],.example,[::2],10.0.0.1');
});

test('an https proxy forwards over TLS, and its authority has to be known', async (t) => {
  const origin = await startOrigin(t);
  const { keyPem: key, certificatePem: cert } = makeCertificate();
  const proxy = await startForwardProxy(t, { tls: { key, cert } });
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url, caPem: cert }), 'updated');
  assert.equal(proxy.asked[0]?.method, 'GET');
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url }), 'outbound_proxy_failed');
});

test('the target of a redirect is asked for under its own name', async (t) => {
  const target = await startOrigin(t);
  const origin = await startOrigin(t, (_request, response) => {
    response.writeHead(307, { location: `${target.url}/elsewhere`, 'content-length': 0 }).end();
  });
  const proxy = await startForwardProxy(t);
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url }), 'updated');
  assert.equal(target.requests[0]?.headers.host, target.host);
  assert.deepEqual(
    proxy.asked.map(({ host }) => host),
    [origin.host, target.host],
  );
});

test('a proxy that is not there, or refuses, says nothing about the key', async (t) => {
  const origin = await startOrigin(t);
  const httpProxy = `http://127.0.0.1:${await freePort()}`;
  assert.equal(await fetchSpec(t, origin.url, { httpProxy }), 'outbound_proxy_failed');
  const proxy = await startForwardProxy(t);
  proxy.fault = (_request, response) => {
    response.writeHead(403, { 'x-squid-error': 'ERR_ACCESS_DENIED 0', 'content-length': 0 }).end();
  };
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url }), 'foreign_answer');
  proxy.fault = (_request, response) => response.destroy();
  assert.equal(await fetchSpec(t, origin.url, { httpProxy: proxy.url }), 'connection_lost');
});

test('the connection to the proxy has the time that the setting gives it, no less and no more', async (t) => {
  const server = createSocketServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  server.on('connection', (socket) => {
    t.after(() => socket.destroy());
  });
  const clock = new ManualClock();
  // Silent in the handshake.
  const httpProxy = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = optionsFor('http://origin.invalid', { httpProxy, connectTimeoutMs: 7_000 });
  const client = createUpstreamClient(clock, options);
  t.after(() => client.close());
  let isOver = false;
  const asked = client.fetch(KEY, 0).finally(() => (isOver = true));
  await once(server, 'connection');
  clock.advance(6_999);
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  clock.advance(1);
  const outcome = await asked;
  assert.equal(outcome.kind === 'failed' && outcome.reason, 'outbound_proxy_failed');
});

test('headers of the caller stay as they are', async (t) => {
  const origin = await startOrigin(t);
  const proxy = await startForwardProxy(t);
  const pool = new UpstreamPool(systemClock, { ...CLIENT_OPTIONS, httpProxy: proxy.url });
  t.after(() => pool.close());
  const headers = Object.freeze({ accept: 'x' });
  const response = await pool.get(new URL(`${origin.url}/a?b=c`), headers, new RequestSignal());
  assert.equal(await response.body.text(), SPEC);
  assert.equal(proxy.asked[0]?.target, `${origin.url}/a?b=c`);
});
