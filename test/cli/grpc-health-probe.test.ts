// The command `grpc-health-probe`: the flags of the program of that name, its exit status, and TLS in both directions.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { EXIT, runGrpcHealthProbe, type ProbeReport } from '../../src/cli/grpc-health-probe.js';
import { systemClock } from '../../src/domain/clock.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';

const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
const NOT_SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 2]);

function answerWith(message: Buffer, grpcStatus = '0') {
  return (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': grpcStatus });
    });
    stream.end(message);
  };
}

/** Resolves with its port. */
async function listen(
  t: TestContext,
  answer: (stream: ServerHttp2Stream) => void,
  tls?: SecureServerOptions,
): Promise<number> {
  const server: Http2Server = tls === undefined ? createServer() : createSecureServer(tls);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  // A client that does not trust it says so by an alert.
  server.on('sessionError', () => undefined).on('tlsClientError', () => undefined);
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Generous, as the machine may be busy. */
const PATIENCE = ['-connect-timeout=30s', '-rpc-timeout', '30s'];

async function probe(...args: readonly string[]): Promise<ProbeReport> {
  return await runGrpcHealthProbe(args, systemClock, (path) => readFileSync(path, 'utf8'));
}

describe('grpc-health-probe', () => {
  it('exits with 0 where the server serves, however its flags are written', async (t) => {
    const port = await listen(t, answerWith(SERVING));
    for (const flags of [
      [`-addr=:${port}`],
      [`--addr=127.0.0.1:${port}`],
      ['-addr', `localhost:${port}`, '-tls=false'],
    ]) {
      const report = await probe(...flags, ...PATIENCE);
      assert.deepEqual(report, { exitStatus: 0, text: 'SERVING' }, flags.join(' '));
    }
  });

  it('asks for the service that it is told', async (t) => {
    const asked: Buffer[] = [];
    const port = await listen(t, (stream) => {
      stream.on('data', (piece: Buffer) => asked.push(piece));
      stream.once('end', () => {
        answerWith(SERVING)(stream);
      });
    });
    await probe(`-addr=:${port}`, '-service=my.v1', ...PATIENCE);
    assert.deepEqual(Buffer.concat(asked), Buffer.from('\0\0\0\0\u0007\n\u0005my.v1', 'latin1'));
  });

  it('exits with 4 where it does not serve, 3 where the call fails, 2 where nothing listens', async (t) => {
    const sick = await listen(t, answerWith(NOT_SERVING));
    assert.deepEqual(await probe(`-addr=:${sick}`, ...PATIENCE), { exitStatus: 4, text: 'NOT_SERVING' });
    const strange = await listen(t, answerWith(Buffer.alloc(0), '12'));
    assert.deepEqual(await probe(`-addr=:${strange}`, ...PATIENCE), {
      exitStatus: 3,
      text: `http://127.0.0.1:${strange}: no health status: gRPC status 12`,
    });
    const gone = await probe('-addr=:9', ...PATIENCE);
    assert.equal(gone.exitStatus, 2);
    assert.match(gone.text, /127\.0\.0\.1:9.*; .*\[::1\]:9/);
  });

  it('gives up in time', async (t) => {
    const silent = await listen(t, () => undefined);
    const report = await probe(`-addr=:${silent}`, '-connect-timeout=50ms', '-rpc-timeout=0.05s');
    // On a busy machine the connection may not have come about by then.
    assert.ok(
      [EXIT.noConnection, EXIT.noAnswer].some((status) => status === report.exitStatus),
      report.text,
    );
    assert.match(report.text, /no answer within 100 ms/);
  });

  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[], /-addr has to be HOST:PORT/],
    [['-addr=50051'], /-addr has to be HOST:PORT/],
    [['-addr=:1', '-spiffe'], /--spiffe/],
    [['-addr=:1', 'more'], /more/],
    [['-addr=:1', '-rpc-timeout=soon'], /-rpc-timeout has to be a duration/],
    [['-addr=:1', '-connect-timeout='], /-connect-timeout has to be a duration/],
    [['-addr=:1', '-tls-no-verify'], /-tls-no-verify needs -tls/],
    [['-addr=:1', '-tls', '-tls-client-key=/nothing'], /need each other/],
    [['-addr=:1', '-tls', '-tls-ca-cert=/nothing'], /ENOENT.*\/nothing/],
    [[`-addr=:1`, `-service=${'s'.repeat(128)}`], /-service has to be 127 bytes at most/],
  ];
  for (const [args, message] of wrong) {
    it(`exits with 1 for ${args.join(' ').slice(0, 60) || 'no flags'}`, async () => {
      const { exitStatus, text } = await probe(...args);
      assert.equal(exitStatus, EXIT.wrongFlags);
      assert.match(text, message);
    });
  }
});

describe('the program of that name in the image', () => {
  const PATH = 'scripts/image/grpc-health-probe';

  it('can be run by the Node that the image has, and starts what the image starts', () => {
    const text = readFileSync(PATH, 'utf8');
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    const [, interpreter = ''] = /^#!(.*)$/m.exec(text) ?? [];
    assert.match(dockerfile, new RegExp(`^COPY --from=build ${interpreter} /usr/local/bin/$`, 'm'));
    assert.match(dockerfile, new RegExp(`^COPY ${PATH} /usr/local/bin/$`, 'm'));
    assert.equal(statSync(PATH).mode & 0o555, 0o555);
    const main = /"(\S+main\.js)"\]$/m.exec(dockerfile)?.[1] ?? assert.fail('no entry point');
    assert.ok(text.includes(`'${main}', 'grpc-health-probe'`));
  });
});

describe('grpc-health-probe -tls', () => {
  let authority: TestAuthority;
  let server: Issued;
  let client: Issued;
  before(() => {
    authority = new TestAuthority();
    server = authority.issue('server');
    client = authority.issue('client');
  });
  after(() => {
    authority.close();
  });

  it('takes the server for what its certificate says, unless it is told not to look', async (t) => {
    const port = await listen(t, answerWith(SERVING), { key: server.key, cert: server.cert });
    const to = [`-addr=127.0.0.1:${port}`, '-tls', ...PATIENCE];
    const stranger = await probe(...to);
    assert.equal(stranger.exitStatus, 2, stranger.text);
    assert.match(stranger.text, /certificate/);
    assert.equal((await probe(...to, '-tls-no-verify')).exitStatus, 0);
    assert.equal((await probe(...to, `-tls-ca-cert=${authority.caPath}`)).exitStatus, 0);
    const otherName = ['-tls-server-name=other.example', `-tls-ca-cert=${authority.caPath}`];
    const misnamed = await probe(...to, ...otherName);
    assert.equal(misnamed.exitStatus, 2);
    assert.match(misnamed.text, /other\.example/);
  });

  it('shows its own certificate where one is asked for', async (t) => {
    const port = await listen(t, answerWith(SERVING), {
      key: server.key,
      cert: server.cert,
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const to = [`-addr=:${port}`, '-tls', '-tls-no-verify', ...PATIENCE];
    assert.notEqual((await probe(...to)).exitStatus, 0);
    const own = [`-tls-client-cert=${client.certPath}`, `-tls-client-key=${client.keyPath}`];
    const report = await probe(...to, ...own);
    assert.deepEqual(report, { exitStatus: 0, text: 'SERVING' });
  });
});
