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

const PAIR = (): readonly string[] => [
  ...['--x509-server-cert-path', server.certPath],
  ...['--x509-server-key-path', server.keyPath],
];
/** Where SFP serves without TLS, without the check that was asked for, or not at all: what it is started with, what it says. */
const REFUSED: Readonly<Record<string, readonly [given: () => readonly string[], told: () => RegExp]>> = {
  'TLS enforced and no certificate': [
    () => ['--enforce-tls', '--enforce-mtls'],
    () => /--enforce-tls .* needs a certificate of this server/,
  ],
  'a certificate without its key': [() => PAIR().slice(0, 2), () => /--x509-server-key-path .* is missing/],
  'mTLS and no authorities': [
    () => [...PAIR(), '--enforce-mtls'],
    () => /--enforce-mtls .* needs the authorities of clients/,
  ],
  'a file that cannot be read': [
    () => [...PAIR(), '--x509-client-cert-path', '/no/such/file'],
    () => /\/no\/such\/file does not exist/,
  ],
  'a key of another certificate': [
    () => [...PAIR().slice(0, 3), other.keyPath],
    () => new RegExp(`${other.keyPath}: the key does not belong to the certificate`),
  ],
  'a key of another certificate to show to origins': [
    () => ['--origin-cert-file', server.certPath, '--origin-key-file', other.keyPath],
    () => new RegExp(`--origin-key-file .* ${other.keyPath}: the key does not belong to the certificate`),
  ],
};

/** Nobody listens there. */
const NO_PORT = '9';
const MODES = [
  { name: 'a certificate', args: () => [] },
  { name: 'a certificate, not enforced', args: () => ['--enforce-tls', 'false'] },
  { name: 'mTLS', args: () => ['--enforce-mtls', '--x509-client-cert-path', authority.caPath] },
] as const;

describe('the daemon with TLS', { concurrency: true }, () => {
  for (const [name, [given, told]] of Object.entries(REFUSED)) {
    it(`ends with status 2 and a sentence with ${name}`, async (t) => {
      const { code, stderr, stdout } = await runProgram(t, [...daemonArgs(NO_ORIGIN), ...given()]);
      assert.equal(code, 2);
      assert.match(stderr, told());
      assert.equal(stdout, '');
    });
  }

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
