// Certificates that are renewed while clients are connected: new connections get the new one, and nothing else changes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as requestByTls, Agent } from 'node:https';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { LOOK_EVERY_MS } from '../../src/files/followed-files.js';
import { atBest, eventually, within } from '../e2e/deadline.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { GrpcClient } from '../fakes/grpc-client.js';
import { MountedSecret } from '../fakes/mounted-certificate.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { TestAuthority } from '../fakes/test-authority.js';

const SPEC = `/v1/download_config_specs/${SDK_KEY}.json`;
/** A change is seen by two looks, each of which takes some time. */
const RENEWED_MS_MAX = 60_000;

let authority: TestAuthority;

before(() => {
  authority = new TestAuthority();
});
after(() => {
  authority.close();
});

async function start(t: TestContext, args: readonly string[]): Promise<TestProxy> {
  const origin = await startFakeOrigin();
  const proxy = await startProxy({ origin: origin.url, mode: 'grpc-and-http', args });
  t.after(async () => {
    await proxy.app.stop();
    await origin.close();
  });
  return proxy;
}

async function shownAt(t: TestContext, port: number | undefined, options: object = {}): Promise<TLSSocket> {
  const socket = connect({
    port: port ?? 0,
    host: 'localhost',
    ca: authority.ca,
    ALPNProtocols: ['h2'],
    ...options,
  });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await within(once(socket, 'secureConnect'), 'handshake');
  return socket;
}

async function nameAt(t: TestContext, port: number | undefined): Promise<string> {
  const socket = await shownAt(t, port);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

interface Status {
  readonly tls: { readonly subject: string; readonly expiresInDays: number };
  readonly problems: readonly { readonly reason: string; readonly what: string }[];
}

async function status(proxy: TestProxy): Promise<Status> {
  return JSON.parse((await rawRequest(`${proxy.adminUrl}/status`)).text) as Status;
}

async function fileFaults(proxy: TestProxy): Promise<readonly string[]> {
  const { problems } = await status(proxy);
  return problems.flatMap(({ reason, what }) => (reason === 'file_not_taken_over' ? [what] : []));
}

describe('a renewed certificate', () => {
  it('is shown to new connections of both ports, and open ones go on', async (t) => {
    const secret = new MountedSecret(authority, 'renewed', authority.issue('first'));
    const proxy = await start(t, secret.args);
    const { httpsPort, grpcTlsPort } = proxy.app;
    const open = await shownAt(t, httpsPort, { ALPNProtocols: ['http/1.1'] });
    const stream = new GrpcClient(proxy.grpcTlsAddress, {}, credentials.createSsl(Buffer.from(authority.ca)));
    t.after(() => {
      stream.close();
    });
    const specs = stream.stream({ sdkKey: SDK_KEY });
    await specs.received(1);
    const { cert, key } = authority.issue('second', 10);
    secret.swap(cert, key);
    const isNew = async (): Promise<boolean> =>
      (await nameAt(t, httpsPort)) === 'second' && (await nameAt(t, grpcTlsPort)) === 'second';
    await eventually('the new one', isNew, RENEWED_MS_MAX);
    open.write(`GET ${SPEC} HTTP/1.1\r\nhost: x\r\n\r\n`);
    const [piece] = (await within(once(open, 'data'), 'answer')) as [Buffer];
    assert.match(piece.toString(), /^HTTP\/1\.1 200 /);
    assert.equal(specs.hasEnded, false);
    assert.deepEqual(await fileFaults(proxy), []);
    assert.equal((await status(proxy)).tls.subject, 'CN=second');
    assert.equal(proxy.logs.withMessage('server certificate read again').length, 1);
    assert.equal(proxy.logs.withMessage('server certificate expires soon')[0]?.['expiresInDays'], 9);
  });

  it('that cannot be used changes nothing, is told once, and stands in /status until it is mended', async (t) => {
    const first = authority.issue('first');
    const other = authority.issue('other');
    const secret = new MountedSecret(authority, 'mended', first);
    const proxy = await start(t, secret.args);
    secret.swap(first.cert, other.key);
    await eventually(
      'the fault',
      async () => (await fileFaults(proxy)).some((fault) => fault.includes('does not belong')),
      RENEWED_MS_MAX,
    );
    assert.equal(await nameAt(t, proxy.app.httpsPort), 'first');
    // Two further looks say nothing more.
    await new Promise((resolve) => setTimeout(resolve, 2 * LOOK_EVERY_MS));
    const told = 'server certificate not taken over: its earlier contents stay in use';
    assert.equal(proxy.logs.withMessage(told).length, 1);
    secret.swap(other.cert, other.key);
    await eventually(
      'the mended one',
      async () => (await nameAt(t, proxy.app.httpsPort)) === 'other',
      RENEWED_MS_MAX,
    );
    assert.deepEqual(await fileFaults(proxy), []);
  });

  it('is read at once when the process is told to', async (t) => {
    const secret = new MountedSecret(authority, 'at-once', authority.issue('first'));
    const proxy = await start(t, secret.args);
    let tries = 0;
    const tookMs = await atBest(LOOK_EVERY_MS / 2, async () => {
      tries += 1;
      const name = `try-${tries}`;
      const { cert, key } = authority.issue(name);
      secret.swap(cert, key);
      const startMs = performance.now();
      proxy.app.readFilesAgain();
      await eventually('the new one', async () => (await nameAt(t, proxy.app.httpsPort)) === name);
      return performance.now() - startMs;
    });
    assert.ok(tookMs <= LOOK_EVERY_MS / 2, `${tookMs} ms`);
  });

  it('of the authorities of clients: certificates of the former are refused, also to resumed sessions', async (t) => {
    const clients = new TestAuthority('clients');
    t.after(() => {
      clients.close();
    });
    const client = clients.issue('client');
    const server = authority.issue('server');
    const secret = new MountedSecret(authority, 'authorities', server, clients.ca);
    const mtls = ['--x509-client-cert-path', secret.caPath, '--enforce-mtls'];
    const proxy = await start(t, [...secret.args, ...mtls]);
    const agent = new Agent({ ca: authority.ca, cert: client.cert, key: client.key, keepAlive: false });
    const ask = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const asking = requestByTls(`${proxy.httpsUrl}/v1/health`, { agent }, (answer) => {
          answer.resume().once('end', () => {
            resolve(answer.statusCode ?? 0);
          });
        });
        asking.on('error', reject).end();
      });
    assert.equal(await ask(), 200);
    assert.equal(await ask(), 200);
    secret.swap(server.cert, server.key, authority.ca);
    proxy.app.readFilesAgain();
    await proxy.logs.waitFor((line) => line['msg'] === 'server certificate read again');
    await assert.rejects(ask());
  });
});
