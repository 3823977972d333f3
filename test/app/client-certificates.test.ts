// The certificate shown to origins and to Redis, by the whole app: to whoever asks for one, renewed while it runs.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { manifestOf } from '../e2e/id-list-scene.js';
import { eventually } from '../e2e/deadline.js';
import { freePort } from '../fakes/free-port.js';
import { LIST_FILE, startMutualOrigin, type MutualOrigin } from '../fakes/mutual-origin.js';
import { SDK_KEY, startProxy, type TestProxy } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startRedisServer } from '../fakes/redis-server.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import { NO_ORIGIN } from '../process/origin.js';

const PAST_LOOKS_MS = 30_000;

let authority: TestAuthority;
let strangers: TestAuthority;
let server: Issued;

before(() => {
  authority = new TestAuthority();
  strangers = new TestAuthority('an authority that nobody knows');
  server = authority.issue('server');
});
after(() => {
  authority.close();
  strangers.close();
});

/** Files that a test may write over. */
let copies = 0;
function filesOf(issued: Issued): Issued {
  copies += 1;
  return authority.copy(issued, `used-${copies}`);
}

function replace(used: Issued, { certPath, keyPath }: Pick<Issued, 'certPath' | 'keyPath'>): void {
  copyFileSync(certPath, used.certPath);
  copyFileSync(keyPath, used.keyPath);
}

async function startBefore(t: TestContext, origin: MutualOrigin, shown?: Issued): Promise<TestProxy> {
  const pair =
    shown === undefined ? [] : ['--origin-cert-file', shown.certPath, '--origin-key-file', shown.keyPath];
  const proxy = await startProxy({
    origin: origin.url,
    args: ['--origin-ca-file', authority.caPath, '-p', '1', ...pair],
  });
  t.after(() => proxy.app.stop());
  return proxy;
}

function spec(proxy: TestProxy, sdkKey = SDK_KEY): Promise<number> {
  return rawRequest(`${proxy.url}/v1/download_config_specs/${sdkKey}.json`).then(({ status }) => status);
}

interface Status {
  readonly clientCertificates?: Readonly<
    Record<'origins' | 'redis', { readonly subject: string; readonly expiresInDays: number }>
  >;
  readonly problems: readonly { readonly reason: string; readonly what: string }[];
}

async function status({ adminUrl }: TestProxy): Promise<Status> {
  return JSON.parse((await rawRequest(`${adminUrl}/status`)).text) as Status;
}

async function fileFaults(proxy: TestProxy): Promise<readonly string[]> {
  const { problems } = await status(proxy);
  return problems.flatMap(({ reason, what }) => (reason === 'file_not_taken_over' ? [what] : []));
}

for (const offers of ['h2', 'http/1.1'] as const) {
  describe(`an origin that asks for a certificate, over ${offers}`, () => {
    it('is shown it for specs, manifests, files of ID lists and log events alike', async (t) => {
      const origin = await startMutualOrigin(t, offers, server, authority.ca);
      const proxy = await startBefore(t, origin, authority.issue('proxy'));
      assert.equal(await spec(proxy), 200);
      const { a_list: list } = await manifestOf(proxy, SDK_KEY);
      assert.equal((await rawRequest(list?.url ?? '')).text, LIST_FILE);
      const headers = { 'statsig-api-key': SDK_KEY, 'content-type': 'application/json' };
      const body = '{"events":[{"eventName":"bought"}]}';
      assert.equal(
        (await rawRequest(`${proxy.url}/v1/log_event`, { method: 'POST', headers, body })).status,
        202,
      );
      const kinds = (): ReadonlySet<string> => new Set(origin.requests.map(({ kind }) => kind));
      await eventually('every kind of request', () => kinds().size === 4);
      assert.deepEqual(new Set(origin.requests.map(({ client }) => client)), new Set(['proxy']));
      assert.deepEqual(
        new Set(origin.requests.map(({ httpVersion }) => httpVersion)),
        new Set([offers === 'h2' ? '2.0' : '1.1']),
      );
      assert.equal((await status(proxy)).clientCertificates?.origins.subject, 'CN=proxy');
    });

    it('refuses a proxy that shows none, or one of a stranger', async (t) => {
      const origin = await startMutualOrigin(t, offers, server, authority.ca);
      for (const [shown, told] of [
        [undefined, 'tls_failed ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
        // Node verifies when the handshake is over, and hangs up without an alert.
        [strangers.issue('stranger'), 'connection_lost UND_ERR_SOCKET'],
      ] as const) {
        const proxy = await startBefore(t, origin, shown);
        assert.equal(await spec(proxy), 503);
        const [line] = proxy.logs.lines.filter(({ reason }) => reason !== undefined);
        assert.equal(`${String(line?.['reason'])} ${String(line?.['detail'])}`, told, proxy.logs.text);
      }
      assert.deepEqual(origin.requests, []);
    });

    it('is shown the new one as soon as the files hold it, and nothing that was asked for fails', async (t) => {
      const origin = await startMutualOrigin(t, offers, server, authority.ca);
      const used = filesOf(authority.issue('first', 10));
      const proxy = await startBefore(t, origin, used);
      assert.equal(await spec(proxy), 200);
      assert.equal(proxy.logs.withMessage('origin client certificate expires soon')[0]?.['expiresInDays'], 9);
      // A key of another certificate: half of a renewal that goes wrong.
      replace(used, { certPath: authority.issue('broken').certPath, keyPath: used.keyPath });
      await eventually(
        'the fault',
        async () => (await fileFaults(proxy)).some((fault) => fault.includes(used.keyPath)),
        PAST_LOOKS_MS,
      );
      assert.equal(await spec(proxy, 'secret-another0123456789'), 200);
      replace(used, authority.issue('second'));
      await eventually(
        'a request by the second',
        () => origin.requests.at(-1)?.client === 'second',
        PAST_LOOKS_MS,
      );
      assert.deepEqual(await fileFaults(proxy), []);
      const clients = new Set(origin.requests.map(({ client }) => client));
      assert.deepEqual(clients, new Set(['first', 'second']));
      assert.equal((await status(proxy)).clientCertificates?.origins.subject, 'CN=second');
      assert.equal(proxy.logs.withMessage('origin client certificate read again').length, 1);
      const failing = proxy.logs.lines.filter(({ reason }) => reason !== undefined);
      assert.deepEqual(failing, []);
    });
  });
}

describe('a Redis that asks for a certificate', () => {
  it('is shown the new one on new connections as soon as the files hold it', async (t) => {
    const port = await freePort();
    const redis = await startRedisServer(t, [
      ...['--tls-port', String(port), '--tls-auth-clients', 'yes', '--tls-key-file', server.keyPath],
      ...['--tls-cert-file', server.certPath, '--tls-ca-cert-file', authority.caPath],
    ]);
    const used = filesOf(strangers.issue('stranger'));
    const proxy = await startProxy({
      origin: NO_ORIGIN,
      cache: 'redis',
      args: [
        ...['--redis-url', `rediss://localhost:${port}`, '--redis-ca-file', authority.caPath],
        ...['--redis-cert-file', used.certPath, '--redis-key-file', used.keyPath],
      ],
    });
    t.after(() => proxy.app.stop());
    assert.equal(proxy.logs.lines.filter(({ reason }) => reason === 'tls_failed').length, 1, proxy.logs.text);
    replace(used, authority.issue('proxy'));
    await proxy.logs.waitFor(({ msg }) => msg === 'Redis client certificate read again');
    await proxy.logs.waitFor(({ msg }) => msg === 'redis works again');
    assert.equal((await status(proxy)).clientCertificates?.redis.subject, 'CN=proxy');
    assert.match(await redis.client().info('clients'), /connected_clients:[2-9]/);
  });
});
