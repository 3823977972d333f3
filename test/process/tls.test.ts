// The daemon with TLS: wrong files end it, `health` asks it whatever its ports speak, and SIGHUP renews its certificate.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { eventually, within } from '../e2e/deadline.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import { daemonArgs, runProgram, startProgram } from './daemon.js';
import { NO_ORIGIN } from './origin.js';

let authority: TestAuthority;
let server: Issued;
let other: Issued;

before(() => {
  authority = new TestAuthority();
  [server, other] = [authority.issue('server'), authority.issue('other')];
});
after(() => {
  authority.close();
});

/** Nobody listens there. */
const NO_PORT = '9';
const MODES = [
  { name: 'a certificate', args: () => [] },
  { name: 'a certificate, not enforced', args: () => ['--enforce-tls', 'false'] },
  { name: 'mTLS', args: () => ['--enforce-mtls', '--x509-client-cert-path', authority.caPath] },
] as const;

describe('the daemon with TLS', { concurrency: true }, () => {
  it('ends with status 2 where a file is wrong, and says which', async (t) => {
    const args = ['--x509-server-cert-path', server.certPath, '--x509-server-key-path', other.keyPath];
    const { code, stderr, stdout } = await runProgram(t, [...daemonArgs(NO_ORIGIN), ...args]);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`${other.keyPath}: the key does not belong to the certificate`));
    assert.equal(stdout, '');
  });

  for (const { name, args } of MODES) {
    it(`with ${name} is asked for its health by the same settings`, async (t) => {
      const pair = { SFP_X509_SERVER_CERT_PATH: server.certPath, SFP_X509_SERVER_KEY_PATH: server.keyPath };
      const program = startProgram(t, [...daemonArgs(NO_ORIGIN, { mode: 'grpc-and-http' }), ...args()], {
        env: pair,
      });
      const line = await program.line('listening');
      await program.line('started up: ready for traffic');
      const env: Record<string, string> = { ...pair };
      for (const [variable, port] of [
        ['SFP_HTTP_PORT', 'httpPort'],
        ['SFP_HTTPS_PORT', 'httpsPort'],
        ['SFP_GRPC_PORT', 'grpcPort'],
        ['SFP_GRPC_TLS_PORT', 'grpcTlsPort'],
        ['SFP_ADMIN_PORT', 'adminPort'],
      ] as const) {
        const number = line[port];
        env[variable] = typeof number === 'number' ? String(number) : NO_PORT;
      }
      for (const asked of [['health'], ['health', '--grpc']]) {
        const { code, stdout, stderr } = await runProgram(t, [...asked, '--host', '127.0.0.1', ...args()], {
          env,
        });
        assert.deepEqual([code, stderr], [0, ''], stdout);
      }
      await program.kill();
      for (const asked of [['health'], ['health', '--grpc']]) {
        const { code } = await runProgram(t, [...asked, '--host', '127.0.0.1', ...args()], { env });
        assert.equal(code, 1);
      }
    });
  }

  it('takes a renewed certificate over at SIGHUP', async (t) => {
    const used = authority.copy(server, 'used');
    const args = ['--x509-server-cert-path', used.certPath, '--x509-server-key-path', used.keyPath];
    const program = startProgram(t, [...daemonArgs(NO_ORIGIN), ...args]);
    const { httpsPort } = await program.line('listening');
    copyFileSync(other.certPath, used.certPath);
    copyFileSync(other.keyPath, used.keyPath);
    program.signal('SIGHUP');
    await eventually('the other certificate', async () => {
      const socket = connect({ port: Number(httpsPort), host: 'localhost', ca: authority.ca });
      await within(once(socket, 'secureConnect'), 'handshake');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN === 'other';
    });
  });
});
