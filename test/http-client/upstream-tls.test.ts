// The way to an origin over TLS: HTTP/2 where it is offered, an own certificate authority, an outbound proxy.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/domain/clock.js';
import {
  createUpstreamClient,
  type UpstreamOptions,
} from '../../src/protocols/statsig/origin/upstream-client.js';
import type { FetchOutcome } from '../../src/core/origin.js';
import type { Origin } from '../../src/core/origin.js';
import { SharedConnections } from '../../src/http-client/upstream-pool.js';
import { eventually } from '../e2e/deadline.js';
import { makeCertificate } from '../fakes/certificate.js';
import { Gate } from '../fakes/gate.js';
import { CLIENT_OPTIONS } from './client-options.js';
import { SPEC_V1 } from '../../src/protocols/statsig/resource-kinds.js';

const KEY = { sdkKey: 'secret-testkey0123456789', kind: SPEC_V1, format: 'json' } as const;
const SPEC = '{"has_updates":true,"time":1750000000000}';

interface TlsOrigin {
  readonly url: string;
  readonly caPem: string;
  /** HTTP versions of the requests that came. */
  readonly versions: string[];
  /** Done instead of serving, while it is set; over HTTP/2 only. */
  fault: ((response: Http2ServerResponse) => void) | undefined;
  /** Connections opened since the start, and those open now. */
  connections(): number;
  open(): Promise<number>;
  /** Answers nothing until what it returns is called. */
  hold(): () => void;
}

async function startTlsOrigin(t: TestContext, offers: 'h2' | 'http/1.1'): Promise<TlsOrigin> {
  const { keyPem: key, certificatePem: cert } = makeCertificate();
  const versions: string[] = [];
  const gate = new Gate();
  const onHttp2 = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    versions.push(request.httpVersion);
    await gate.opened;
    if (origin.fault !== undefined) origin.fault(response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
  };
  const server =
    offers === 'h2'
      ? createSecureServer({ key, cert }, (request, response) => void onHttp2(request, response))
      : createHttpsServer({ key, cert }, (request, response) => {
          versions.push(request.httpVersion);
          void gate.opened.then(() => {
            response.writeHead(200, { 'content-type': 'application/json' }).end(SPEC);
          });
        });
  let connections = 0;
  server.on('secureConnection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const origin: TlsOrigin = {
    url: `https://localhost:${port}`,
    caPem: cert,
    versions,
    fault: undefined,
    connections: () => connections,
    open: promisify(server.getConnections.bind(server)),
    hold: () => gate.hold(),
  };
  return origin;
}

interface ConnectProxy {
  readonly url: string;
  readonly tunnels: string[];
}

/** An outbound proxy that opens tunnels, refuses to, hangs up, or says nothing. */
async function startConnectProxy(
  t: TestContext,
  answer: number | 'hang-up' | 'silence',
): Promise<ConnectProxy> {
  const tunnels: string[] = [];
  const server = createHttpServer();
  server.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    socket.on('error', () => socket.destroy());
    if (answer === 'hang-up') socket.destroy();
    if (typeof answer === 'string') return;
    if (answer !== 200) {
      socket.end(`HTTP/1.1 ${answer} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels };
}

function optionsFor(origin: TlsOrigin, changes: Partial<UpstreamOptions>): UpstreamOptions {
  return {
    ...CLIENT_OPTIONS,
    endpoint: new URL(origin.url),
    requestTimeoutMs: 5_000,
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 300,
    bodyIdleTimeoutMs: 300,
    bodyLimits: { encodedBytesMax: 1_000_000, decodedBytesMax: 1_000_000 },
    caPem: origin.caPem,
    ...changes,
  };
}

function fetchAll(
  t: TestContext,
  origin: TlsOrigin,
  changes: Partial<UpstreamOptions>,
  count = 1,
): Promise<FetchOutcome[]> {
  const client = createUpstreamClient(systemClock, optionsFor(origin, changes));
  t.after(() => client.close());
  return Promise.all(Array.from({ length: count }, () => client.fetch(KEY, 0)));
}

function told(outcomes: readonly FetchOutcome[]): string[] {
  return outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.reason : outcome.kind));
}

test('HTTP/2 is spoken where the origin offers it', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  assert.deepEqual(new Set(told(await fetchAll(t, origin, {}, 8))), new Set(['updated']));
  assert.deepEqual(new Set(origin.versions), new Set(['2.0']));
});

test('HTTP/1.1 is spoken where the origin offers only that', async (t) => {
  const origin = await startTlsOrigin(t, 'http/1.1');
  assert.deepEqual(told(await fetchAll(t, origin, {})), ['updated']);
  assert.deepEqual(origin.versions, ['1.1']);
});

test('faults over HTTP/2 have the same reasons as over HTTP/1.1', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  origin.fault = () => undefined;
  assert.deepEqual(told(await fetchAll(t, origin, {})), ['headers_timeout']);
  origin.fault = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"has_updates":');
  };
  assert.deepEqual(told(await fetchAll(t, origin, {})), ['body_timeout']);
  origin.fault = (response) => {
    response.stream.session?.destroy();
  };
  assert.deepEqual(told(await fetchAll(t, origin, {})), ['connection_lost']);
  origin.fault = (response) => {
    response.writeHead(401).end('no');
  };
  assert.deepEqual(told(await fetchAll(t, origin, {})), ['unauthorized']);
});

test('requests beyond the kept connections are answered', async (t) => {
  const origin = await startTlsOrigin(t, 'http/1.1');
  for (const idleConnectionsMax of [0, 1]) {
    const outcomes = told(await fetchAll(t, origin, { idleConnectionsMax }, 6));
    assert.deepEqual(new Set(outcomes), new Set(['updated']));
  }
});

test('a certificate of an authority nobody named is not trusted', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  assert.deepEqual(told(await fetchAll(t, origin, { caPem: undefined })), ['tls_failed']);
});

test('an outbound proxy is used for https origins, unless the host is exempt', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 200);
  assert.deepEqual(told(await fetchAll(t, origin, { httpsProxy: proxy.url })), ['updated']);
  assert.deepEqual(proxy.tunnels, [new URL(origin.url).host]);
  assert.deepEqual(told(await fetchAll(t, origin, { httpsProxy: proxy.url, noProxy: 'localhost' })), [
    'updated',
  ]);
  assert.equal(proxy.tunnels.length, 1);
});

test('HTTP/2 through an outbound proxy takes one tunnel for all requests', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 200);
  const outcomes = told(await fetchAll(t, origin, { httpsProxy: proxy.url }, 8));
  assert.deepEqual(new Set(outcomes), new Set(['updated']));
  assert.deepEqual(new Set(origin.versions), new Set(['2.0']));
  assert.equal(proxy.tunnels.length, 1);
});

test('a redirect from http to https goes through the outbound proxy for https', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 200);
  const plain = createHttpServer((_request, response) => {
    response.writeHead(307, { location: `${origin.url}/x`, 'content-length': 0 }).end();
  });
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.after(() => {
    plain.close();
    plain.closeAllConnections();
  });
  const endpoint = new URL(`http://127.0.0.1:${(plain.address() as AddressInfo).port}`);
  assert.deepEqual(told(await fetchAll(t, origin, { endpoint, httpsProxy: proxy.url })), ['updated']);
  assert.deepEqual(proxy.tunnels, [new URL(origin.url).host]);
});

test('an outbound proxy that refuses with 403 says nothing about the key', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 403);
  assert.deepEqual(told(await fetchAll(t, origin, { httpsProxy: proxy.url })), ['outbound_proxy_failed']);
});

test('an outbound proxy that hangs up fails the fetch at once, and is not asked again and again', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 'hang-up');
  assert.deepEqual(told(await fetchAll(t, origin, { httpsProxy: proxy.url })), ['outbound_proxy_failed']);
  assert.ok(proxy.tunnels.length <= 2, `${proxy.tunnels.length} attempts`);
});

test('an outbound proxy that says nothing is given up', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 'silence');
  const short = { httpsProxy: proxy.url, connectTimeoutMs: 300 };
  assert.deepEqual(told(await fetchAll(t, origin, short)), ['outbound_proxy_failed']);
  const total = { httpsProxy: proxy.url, requestTimeoutMs: 300 };
  assert.deepEqual(told(await fetchAll(t, origin, total)), ['request_timeout']);
});

test('an outbound proxy for http origins is not used for https ones', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const proxy = await startConnectProxy(t, 403);
  assert.deepEqual(told(await fetchAll(t, origin, { httpProxy: proxy.url })), ['updated']);
});

test('a redirect from https to http is refused: the key would travel in the open', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  origin.fault = (response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:9/x' }).end();
  };
  assert.deepEqual(told(await fetchAll(t, origin, {})), ['redirect_refused']);
});

test('after a timeout over HTTP/2 the next request gets a connection of its own', async (t) => {
  const origin = await startTlsOrigin(t, 'h2');
  const client = createUpstreamClient(systemClock, optionsFor(origin, {}));
  t.after(() => client.close());
  assert.deepEqual(told([await client.fetch(KEY, 0)]), ['updated']);
  const before = origin.connections();
  origin.fault = () => undefined;
  assert.deepEqual(told([await client.fetch(KEY, 0)]), ['headers_timeout']);
  origin.fault = undefined;
  assert.deepEqual(told([await client.fetch(KEY, 0)]), ['updated']);
  assert.equal(origin.connections(), before + 1);
});

for (const offers of ['h2', 'http/1.1'] as const) {
  test(`authorities that are trusted from now on count for the next request over ${offers}, and what is in flight ends`, async (t) => {
    const [first, second] = [await startTlsOrigin(t, offers), await startTlsOrigin(t, offers)];
    const options = optionsFor(first, { headersTimeoutMs: 5_000, requestTimeoutMs: 10_000 });
    const connections = new SharedConnections(systemClock, options);
    t.after(() => connections.close());
    const clientOf = (origin: TlsOrigin): Origin =>
      createUpstreamClient(systemClock, { ...options, endpoint: new URL(origin.url), connections });
    assert.deepEqual(told([await clientOf(first).fetch(KEY, 0)]), ['updated']);
    assert.deepEqual(told([await clientOf(second).fetch(KEY, 0)]), ['tls_failed']);
    const release = first.hold();
    const slow = clientOf(first).fetch(KEY, 0);
    await eventually('request that waits', () => first.versions.length === 2);
    connections.trust(second.caPem);
    assert.deepEqual(told([await clientOf(second).fetch(KEY, 0)]), ['updated']);
    assert.deepEqual(told([await clientOf(first).fetch(KEY, 0)]), ['tls_failed']);
    release();
    assert.deepEqual(told([await slow]), ['updated']);
    // The connection that was opened under the former authorities is closed with its last answer.
    await eventually('end of the former connection', async () => (await first.open()) === 0);
  });
}
