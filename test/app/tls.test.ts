// TLS by real clients: what each port serves, refuses or leaves closed, for every combination of settings.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { eventually, within } from '../e2e/deadline.js';
import { freePort } from '../fakes/free-port.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { askHealth } from '../fakes/grpc-health.js';
import { scrape } from '../fakes/metrics-page.js';
import { ManualClock, settle } from '../fakes/manual-clock.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import { stopByHand } from '../servers/grpc/grpc-scene.js';

const SPEC = `/v2/download_config_specs/${SDK_KEY}.json`;

let authority: TestAuthority;
let strangers: TestAuthority;
let server: Issued;
let client: Issued;
let stranger: Issued;

before(() => {
  authority = new TestAuthority();
  strangers = new TestAuthority('an authority that nobody knows');
  [server, client, stranger] = [
    authority.issue('server'),
    authority.issue('client'),
    strangers.issue('stranger'),
  ];
});
after(() => {
  authority.close();
  strangers.close();
});

async function start(t: TestContext, args: readonly string[], clock?: ManualClock): Promise<TestProxy> {
  const origin = await startFakeOrigin();
  const pair = ['--x509-server-cert-path', server.certPath, '--x509-server-key-path', server.keyPath];
  const proxy = await startProxy({
    origin: origin.url,
    mode: 'grpc-and-http',
    args: [...pair, ...args],
    ...(clock && { clock }),
  });
  t.after(async () => {
    await (clock === undefined ? proxy.app.stop() : stopByHand(proxy, clock));
    await origin.close();
  });
  return proxy;
}

interface Curled {
  /** 0 where there was an answer. */
  readonly exit: number;
  readonly status: string;
  readonly version: string;
}

async function curl(url: string, ...args: readonly string[]): Promise<Curled> {
  const format = '%{http_code} %{http_version}';
  const all = [
    '-sS',
    '--max-time',
    '10',
    '--cacert',
    authority.caPath,
    '-o',
    '/dev/null',
    '-w',
    format,
    ...args,
    url,
  ];
  try {
    const { stdout } = await promisify(execFile)('curl', all);
    const [status = '', version = ''] = stdout.split(' ');
    return { exit: 0, status, version };
  } catch (error) {
    return { exit: Number((error as { code?: unknown }).code), status: '', version: '' };
  }
}

/** What `openssl s_client` got for a request for the health of the proxy. */
async function openssl({ app }: TestProxy, shown?: Issued): Promise<string> {
  const address = `localhost:${app.httpsPort ?? 0}`;
  const certificate = shown === undefined ? [] : ['-cert', shown.certPath, '-key', shown.keyPath];
  const args = ['-connect', address, '-CAfile', authority.caPath, '-verify_return_error', '-quiet'];
  const asking = spawn('openssl', ['s_client', ...args, '-ign_eof', ...certificate]);
  let told = '';
  asking.stdout.on('data', (piece: Buffer) => (told += piece.toString()));
  // It ends before it has read everything where it is refused.
  asking.stdin.on('error', () => undefined);
  asking.stdin.write('GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await within(once(asking, 'close'), 'end of openssl');
  return told.startsWith('HTTP/1.1 200 ') ? 'served' : 'refused';
}

function showing({ certPath, keyPath }: Issued): readonly string[] {
  return ['--cert', certPath, '--key', keyPath];
}

async function grpc(address: string, shown?: Issued): Promise<string> {
  const key = shown && Buffer.from(shown.key);
  const cert = shown && Buffer.from(shown.cert);
  const secure = credentials.createSsl(Buffer.from(authority.ca), key ?? null, cert ?? null);
  try {
    return await askHealth(address, secure);
  } catch {
    return 'refused';
  }
}

const CA = (): readonly string[] => ['--x509-client-cert-path', authority.caPath];
const MATRIX: readonly {
  readonly name: string;
  readonly args: () => readonly string[];
  readonly plain: boolean;
  /** Without a certificate, with one of the authority, with a stranger's. */
  readonly served: readonly [boolean, boolean, boolean];
}[] = [
  { name: 'a certificate', args: () => [], plain: false, served: [true, true, true] },
  {
    name: 'a certificate, not enforced',
    args: () => ['--enforce-tls', 'false'],
    plain: true,
    served: [true, true, true],
  },
  { name: 'authorities', args: CA, plain: false, served: [true, true, false] },
  {
    name: 'authorities, not enforced',
    args: () => [...CA(), '--enforce-tls=false'],
    plain: true,
    served: [true, true, false],
  },
  {
    name: 'authorities that are not asked',
    args: () => [...CA(), '--ssl-verify-client', 'off'],
    plain: false,
    served: [true, true, true],
  },
  { name: 'mTLS', args: () => [...CA(), '--enforce-mtls'], plain: false, served: [false, true, false] },
  {
    name: 'mTLS by its other name',
    args: () => [...CA(), '--ssl-verify-client', 'on'],
    plain: false,
    served: [false, true, false],
  },
];

describe('what is served with', () => {
  for (const { name, args, plain, served } of MATRIX) {
    it(name, async (t) => {
      const [httpPort, grpcPort] = [await freePort(), await freePort()];
      const plainPorts = ['--http-port', String(httpPort), '--grpc-port', String(grpcPort)];
      const proxy = await start(t, [...plainPorts, ...args()]);
      assert.equal(proxy.app.httpPort !== undefined, plain);
      assert.equal(proxy.app.grpcPort !== undefined, plain);
      const onPlainPort = await curl(`http://127.0.0.1:${httpPort}/v1/health`);
      // 7: it could not connect.
      assert.deepEqual([onPlainPort.exit, onPlainPort.status], plain ? [0, '200'] : [7, '']);
      const health = await askHealth(`127.0.0.1:${grpcPort}`, credentials.createInsecure()).catch(
        () => 'closed',
      );
      assert.equal(health, plain ? 'SERVING' : 'closed');
      assert.equal(
        proxy.logs.withMessage('TLS only: the ports without TLS stay closed').length,
        plain ? 0 : 1,
      );
      for (const [index, shown] of [undefined, client, stranger].entries()) {
        const certificate = shown === undefined ? [] : showing(shown);
        for (const version of ['1.1', '2']) {
          const answer = await curl(`${proxy.httpsUrl}${SPEC}`, `--http${version}`, ...certificate);
          const expected =
            served[index] === true ? { exit: 0, status: '200', version } : { status: '', version: '' };
          assert.deepEqual(
            { ...answer, ...(served[index] === true ? {} : { exit: undefined }) },
            { exit: undefined, ...expected },
            `${index} over HTTP/${version}`,
          );
        }
        assert.equal(await grpc(proxy.grpcTlsAddress, shown), served[index] === true ? 'SERVING' : 'refused');
        assert.equal(await openssl(proxy, shown), served[index] === true ? 'served' : 'refused');
      }
      assert.equal((await rawRequest(`${proxy.adminUrl}/v1/ready`)).status, 200);
    });
  }
});

async function tls(t: TestContext, proxy: TestProxy, options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({
    port: proxy.app.httpsPort ?? 0,
    host: '127.0.0.1',
    ca: authority.ca,
    ...options,
  });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await within(once(socket, 'secureConnect'), 'handshake');
  return socket;
}

describe('a TLS port', () => {
  it('speaks TLS 1.2 and 1.3, and nothing older or weaker', async (t) => {
    const proxy = await start(t, []);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await tls(t, proxy, { minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
    }
    for (const options of [
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
    ]) {
      const socket = connectTls({ port: proxy.app.httpsPort ?? 0, ca: authority.ca, ...options } as object);
      t.after(() => socket.destroy());
      await assert.rejects(within(once(socket, 'secureConnect'), 'handshake'), /alert|handshake/i);
    }
  });

  it('says http/1.1 to clients that name no protocol, and on the gRPC port only h2', async (t) => {
    const proxy = await start(t, []);
    const socket = await tls(t, proxy);
    socket.write('GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const [piece] = (await within(once(socket, 'data'), 'answer')) as [Buffer];
    assert.match(piece.toString(), /^HTTP\/1\.1 200 /);
    const unnamed = await tls(t, proxy, { port: proxy.app.grpcTlsPort });
    await within(once(unnamed.resume(), 'close'), 'end without a protocol');
  });

  it('ends what is no TLS, counts and tells it, and serves on', async (t) => {
    const proxy = await start(t, []);
    const socket = connectTcp(proxy.app.httpsPort ?? 0, '127.0.0.1');
    t.after(() => socket.destroy());
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString('latin1'))).on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await within(once(socket, 'close'), 'end of the connection');
    assert.doesNotMatch(text, /HTTP/);
    const status = JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as {
      readonly tls: {
        readonly handshakesFailed: number;
        readonly subject: string;
        readonly expiresInDays: number;
      };
    };
    assert.equal(status.tls.handshakesFailed, 1);
    assert.equal(status.tls.subject, 'CN=server');
    assert.equal(status.tls.expiresInDays, 29);
    const expiryS = (await scrape(proxy.adminUrl)).sum('sfp_tls_certificate_expiry_timestamp_seconds') ?? 0;
    assert.equal(Math.floor((expiryS - Date.now() / 1000) / 86_400), 29);
    assert.equal(proxy.logs.withMessage('TLS handshakes failed')[0]?.['reason'], 'ERR_SSL_HTTP_REQUEST');
    assert.equal((await curl(`${proxy.httpsUrl}/v1/health`)).status, '200');
  });

  it('ends a handshake after 10 s and not before, though bytes go on coming', async (t) => {
    const clock = new ManualClock();
    const proxy = await start(t, [], clock);
    const slow = connectTcp(proxy.app.httpsPort ?? 0, '127.0.0.1');
    t.after(() => slow.destroy());
    let isClosed = false;
    slow.on('error', () => undefined).once('close', () => (isClosed = true));
    await once(slow, 'connect');
    // The beginning of a ClientHello of 512 bytes.
    slow.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    const known = await tls(t, proxy);
    known.on('close', () => assert.fail('who finished its handshake was cut off'));
    for (let second = 0; second < 9; second += 1) {
      clock.advance(1_000);
      slow.write(Buffer.from([0]));
      await settle();
    }
    clock.advance(999);
    await settle();
    assert.equal(isClosed, false);
    clock.advance(1);
    await eventually('end of the connection', () => isClosed);
    const [line] = proxy.logs.withMessage('TLS handshakes failed');
    assert.equal(line?.['reason'], 'ERR_TLS_HANDSHAKE_TIMEOUT');
    assert.equal(line['failed'], 1);
    known.removeAllListeners('close');
  });

  it('counts half handshakes as connections, the oldest of which give way', async (t) => {
    const proxy = await start(t, ['--http-connections-max', '8']);
    const known = await tls(t, proxy);
    known.write(`GET ${SPEC} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await within(once(known, 'data'), 'answer');
    const closed: number[] = [];
    for (let count = 0; count < 40; count += 1) {
      const half = connectTcp(proxy.app.httpsPort ?? 0, '127.0.0.1');
      t.after(() => half.destroy());
      half.on('error', () => undefined).once('close', () => closed.push(count));
      await once(half, 'connect');
      half.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    }
    await eventually('end of the oldest', () => closed.length >= 32);
    const answer = await curl(`${proxy.httpsUrl}/v1/health`);
    assert.equal(answer.status, '200');
    assert.equal(known.destroyed, false);
  });

  it('renegotiates nothing', async (t) => {
    const proxy = await start(t, []);
    const address = `localhost:${proxy.app.httpsPort ?? 0}`;
    const asking = spawn('openssl', [
      's_client',
      '-connect',
      address,
      '-tls1_2',
      '-CAfile',
      authority.caPath,
    ]);
    t.after(() => asking.kill());
    let told = '';
    for (const stream of [asking.stdout, asking.stderr])
      stream.on('data', (piece: Buffer) => (told += piece.toString()));
    await eventually('handshake', () => told.includes('Verify return code: 0'));
    asking.stdin.write('R\n');
    await eventually('refusal', () => told.includes('no renegotiation'));
  });

  it('on the port without TLS, ends TLS, and HTTP/2 without a word', async (t) => {
    const proxy = await start(t, ['--enforce-tls', 'false']);
    const port = proxy.app.httpPort ?? 0;
    const socket = connectTls({ port, host: '127.0.0.1' });
    await assert.rejects(within(once(socket, 'secureConnect'), 'handshake'), {
      code: /ERR_SSL|EPROTO|ECONNRESET/,
    });
    const preface = connectTcp(port, '127.0.0.1');
    t.after(() => preface.destroy());
    let bytes = 0;
    preface.on('data', (piece: Buffer) => (bytes += piece.length)).on('error', () => undefined);
    preface.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await within(once(preface, 'close'), 'end of the connection');
    assert.equal(bytes, 0);
  });
});
