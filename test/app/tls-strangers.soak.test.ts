// Strangers at the TLS ports, thousands of them: handshakes that are broken off, what is no TLS, old TLS, floods of headers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, Agent } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { eventually, within } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { FrameClient } from '../fakes/http2-frames.js';
import { lengthOf } from '../fakes/length.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';

const HANDSHAKES = lengthOf({ suite: 400, soak: 10_000 });
const AT_ONCE = 20;
const LINE_EVERY_MS = 60_000;
const FLOOD_FRAMES = 5_000;

let authority: TestAuthority;
let server: Issued;

before(() => {
  authority = new TestAuthority();
  server = authority.issue('server');
});
after(() => {
  authority.close();
});

async function start(t: TestContext): Promise<TestProxy> {
  const origin = await startFakeOrigin();
  const pair = ['--x509-server-cert-path', server.certPath, '--x509-server-key-path', server.keyPath];
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', args: pair });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  return proxy;
}

/** A client with a known key, that keeps its one connection. */
class KnownClient {
  readonly #agent = new Agent({ ca: authority.ca, keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  connections = 0;

  constructor(t: TestContext, { httpsUrl }: TestProxy) {
    this.#url = `${httpsUrl}/v1/download_config_specs/${SDK_KEY}.json`;
    t.after(() => {
      this.#agent.destroy();
    });
  }

  async ask(): Promise<number | undefined> {
    const asking = request(this.#url, { agent: this.#agent }).end();
    asking.on('socket', (socket) => {
      if (socket.connecting) this.connections += 1;
    });
    const [answer] = (await within(once(asking, 'response'), 'answer', 60_000)) as [
      { readonly statusCode?: number; resume(): NodeJS.EventEmitter },
    ];
    await once(answer.resume(), 'end');
    return answer.statusCode;
  }
}

/** Whatever ends it. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket
      .on('error', () => undefined)
      .once('close', () => {
        resolve();
      });
  });
}

/** Each resolves when its connection is closed. */
const STRANGERS: readonly ((port: number) => Promise<unknown>)[] = [
  // A whole handshake and nothing else.
  async (port) => {
    const socket = connectTls({ port, host: 'localhost', ca: authority.ca, ALPNProtocols: ['h2'] });
    // The settings of HTTP/2: the handshake is over on the other side too.
    await within(once(socket, 'data'), 'settings', 60_000);
    await closed(socket.destroy());
  },
  async (port) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await closed(socket.resume());
  },
  // The beginning of a handshake, broken off.
  async (port) => {
    const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    await new Promise((resolve) => socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), resolve));
    await closed(socket.destroy());
  },
  async (port) => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const socket = connectTls({ port, host: 'localhost', ca: authority.ca, ...old });
    await closed(socket);
  },
];

async function handshakesFailed({ adminUrl }: TestProxy): Promise<number> {
  const { text } = await rawRequest(`${adminUrl}/status`);
  return (JSON.parse(text) as { readonly tls: { readonly handshakesFailed: number } }).tls.handshakesFailed;
}

describe('strangers at the TLS ports', () => {
  it(`by ${HANDSHAKES} handshakes, most of which fail, harm no known client, and leave nothing open`, async (t) => {
    const proxy = await start(t);
    const known = new KnownClient(t, proxy);
    assert.equal(await known.ask(), 200);
    const ports = [proxy.app.httpsPort ?? 0, proxy.app.grpcTlsPort ?? 0];
    const startedAtMs = performance.now();
    let next = 0;
    const failing = (): number =>
      Array.from({ length: next }, (_, index) => index % STRANGERS.length).filter((kind) => kind > 0).length;
    const come = async (): Promise<void> => {
      while (next < HANDSHAKES) {
        const index = next;
        next += 1;
        const port = ports[Math.floor(index / STRANGERS.length) % ports.length] ?? 0;
        await STRANGERS[index % STRANGERS.length]?.(port);
        if (index % 100 === 0) assert.equal(await known.ask(), 200);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, come));
    const tookMs = performance.now() - startedAtMs;
    assert.equal(await known.ask(), 200);
    assert.equal(known.connections, 1);
    await eventually('all that failed', async () => (await handshakesFailed(proxy)) === failing());
    await eventually('end of every connection but one', () => {
      const { httpConnections: http, grpcConnections: grpc } = proxy.app.gauges;
      return http?.entries === 1 && grpc?.entries === 0;
    });
    const lines = proxy.logs.withMessage('TLS handshakes failed').length;
    assert.ok(lines >= 1 && lines <= 1 + tookMs / LINE_EVERY_MS, `${lines} lines in ${tookMs} ms`);
    const rate = Math.round((HANDSHAKES * 1000) / tookMs);
    t.diagnostic(JSON.stringify({ handshakes: HANDSHAKES, failed: failing(), tookMs, rate }));
  });

  for (const port of ['httpsPort', 'grpcTlsPort'] as const) {
    it(`by headers that never end on the ${port} are cut off, and known clients are served`, async (t) => {
      const proxy = await start(t);
      const known = new KnownClient(t, proxy);
      assert.equal(await known.ask(), 200);
      const socket = connectTls({
        port: proxy.app[port] ?? 0,
        host: 'localhost',
        ca: authority.ca,
        ALPNProtocols: ['h2'],
      });
      await within(once(socket, 'secureConnect'), 'handshake');
      const flood = new FrameClient(socket);
      flood.floodOfHeaders(FLOOD_FRAMES);
      await eventually('end of the flood', () => flood.isClosed, 60_000);
      assert.equal(await known.ask(), 200);
      assert.equal(known.connections, 1);
      const { httpConnections: http, grpcConnections: grpc } = proxy.app.gauges;
      assert.deepEqual([http?.entries, grpc?.entries], [1, 0]);
    });
  }
});
