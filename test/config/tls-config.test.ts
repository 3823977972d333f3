// Settings of TLS: what they come to together, and what is refused with the file or the setting that is wrong.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Config } from '../../src/config/load-config.js';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import { loadLine } from './loading.js';

const DAY_MS = 86_400_000;
const CERT = '--x509-server-cert-path';
const KEY = '--x509-server-key-path';
const CA = '--x509-client-cert-path';

let authority: TestAuthority;
let server: Issued;
let other: Issued;

before(() => {
  authority = new TestAuthority();
  server = authority.issue('server');
  other = authority.issue('other');
});
after(() => {
  authority.close();
});

function load(
  args: readonly string[],
  env: Record<string, string> = {},
  nowMs = Date.now(),
): ReturnType<typeof loadLine> {
  return loadLine(args, { env, nowMs, readFile: (path) => readFileSync(path, 'utf8') });
}

function tlsOf(args: readonly string[], env?: Record<string, string>): Config['tls'] {
  const loaded = load(['http', 'disabled', ...args], env);
  if (loaded.kind === 'faults') throw new Error(loaded.faults.join('; '));
  return loaded.config.tls;
}

function faultsOf(args: readonly string[], env?: Record<string, string>, nowMs?: number): readonly string[] {
  const loaded = load(['http', 'disabled', ...args], env, nowMs);
  return loaded.kind === 'faults' ? loaded.faults : [];
}

function pair(): readonly string[] {
  return [CERT, server.certPath, KEY, server.keyPath];
}

describe('TLS settings', () => {
  it('are no TLS without a certificate, and TLS alone with one', () => {
    assert.equal(tlsOf([]), undefined);
    assert.equal(
      tlsOf(['--enforce-tls', 'false', '--enforce-mtls=false', '--ssl-verify-client', 'off']),
      undefined,
    );
    const { clientCertificates, plainToo, paths } = tlsOf(pair()) ?? {};
    assert.deepEqual(
      [clientCertificates, plainToo, paths],
      ['none', false, [server.certPath, server.keyPath]],
    );
  });

  it('take the pair from variables', () => {
    const env = { SFP_X509_SERVER_CERT_PATH: server.certPath, SFP_X509_SERVER_KEY_PATH: server.keyPath };
    assert.equal(tlsOf([], { ...env, SFP_ENFORCE_TLS: 'false' })?.plainToo, true);
  });

  for (const [args, plainToo] of [
    [['--enforce-tls'], false],
    [['--enforce-tls', 'true'], false],
    [['--enforce-tls=true'], false],
    [['--enforce-tls', 'false'], true],
    [['--enforce-tls=false'], true],
    [['--enforce-tls=NO'], true],
  ] as const) {
    it(`with ${args.join(' ')} open the ports without TLS: ${plainToo}`, () => {
      assert.equal(tlsOf([...args, ...pair()])?.plainToo, plainToo);
      const before = load([...args, 'http', 'disabled', ...pair()]);
      assert.equal(before.kind === 'loaded' && before.config.tls?.plainToo, plainToo);
    });
  }

  for (const [args, expected] of [
    [[], 'optional'],
    [['--ssl-verify-client', 'optional'], 'optional'],
    [['--ssl-verify-client', 'off'], 'none'],
    [['--ssl-verify-client', 'on'], 'required'],
    [['--enforce-mtls'], 'required'],
    [['--enforce-mtls', 'true'], 'required'],
    [['--enforce-mtls', '--ssl-verify-client', 'on'], 'required'],
    [['--enforce-mtls=false'], 'optional'],
  ] as const) {
    it(`with authorities and ${args.join(' ') || 'nothing else'}, certificates of clients are: ${expected}`, () => {
      assert.equal(tlsOf([...pair(), CA, authority.caPath, ...args])?.clientCertificates, expected);
    });
  }
});

describe('TLS settings that cannot be kept to are refused', () => {
  const file = (name: string, text: string): string => {
    const path = join(authority.folder, name);
    writeFileSync(path, text);
    return path;
  };
  const encrypted = (): string => {
    const path = join(authority.folder, 'encrypted.key');
    execFileSync(
      'openssl',
      ['ec', '-in', server.keyPath, '-aes256', '-passout', 'pass:secret', '-out', path],
      {
        stdio: 'pipe',
      },
    );
    return path;
  };
  const cases: Readonly<Record<string, () => readonly [readonly string[], ...RegExp[]]>> = {
    'a certificate alone': () => [
      [CERT, server.certPath],
      /x509-server-cert-path .* alone: --x509-server-key-path/,
    ],
    'a key alone': () => [[KEY, server.keyPath], /x509-server-key-path .* alone: --x509-server-cert-path/],
    'a file that is not there': () => [
      [CERT, '/no/such/file', KEY, '/nor/this'],
      /x509-server-cert-path .*: \/no\/such\/file does not exist \(ENOENT\)/,
      /x509-server-key-path .*: \/nor\/this does not exist \(ENOENT\)/,
    ],
    'a key that belongs to another certificate': () => [
      [CERT, server.certPath, KEY, other.keyPath],
      new RegExp(`${other.keyPath}: the key does not belong to the certificate of .*${server.certPath}`),
    ],
    'a key that is encrypted': () => [
      [CERT, server.certPath, KEY, encrypted()],
      /encrypted\.key: the key is encrypted/,
    ],
    'a file without a certificate': () => [
      [CERT, file('empty.crt', 'nothing'), KEY, server.keyPath],
      /empty\.crt contains no readable PEM certificate/,
    ],
    'a file without a key': () => [
      [CERT, server.certPath, KEY, file('empty.key', 'nothing')],
      /empty\.key contains no readable PEM private key/,
    ],
    'a file of authorities without one': () => [
      [...pair(), CA, file('empty.ca', '')],
      /empty\.ca contains no readable PEM certificate/,
    ],
    'mTLS without authorities': () => [
      [...pair(), '--enforce-mtls'],
      /^--enforce-mtls .* needs the authorities of clients: --x509-client-cert-path/,
    ],
    'verification without authorities': () => [
      [...pair(), '--ssl-verify-client', 'optional'],
      /^--ssl-verify-client .* needs the authorities of clients/,
    ],
    'mTLS with open ports without TLS': () => [
      [...pair(), CA, authority.caPath, '--enforce-mtls', '--enforce-tls', 'false'],
      /^--enforce-mtls .* contradicts --enforce-tls/,
    ],
    'mTLS that is switched off by its other name': () => [
      [...pair(), CA, authority.caPath, '--enforce-mtls', '--ssl-verify-client', 'off'],
      /^--enforce-mtls .* 'true' contradicts --ssl-verify-client .* 'off'/,
    ],
    'anything of TLS without a certificate': () => [
      ['--enforce-tls', '--enforce-mtls', '--ssl-verify-client', 'on', CA, authority.caPath],
      /^--enforce-tls .* needs a certificate of this server/,
      /^--enforce-mtls .* needs a certificate of this server/,
      /^--ssl-verify-client .* 'on' needs a certificate of this server/,
      /^--x509-client-cert-path .* needs a certificate of this server/,
    ],
  };
  for (const [name, make] of Object.entries(cases)) {
    it(name, () => {
      const [args, ...told] = make();
      const faults = faultsOf(args);
      assert.equal(faults.length, told.length, faults.join('\n'));
      for (const [index, pattern] of told.entries()) assert.match(faults[index] ?? '', pattern);
    });
  }

  it('a certificate that has expired, or is not valid yet', () => {
    const later = faultsOf(pair(), {}, Date.now() + 31 * DAY_MS);
    assert.match(
      later.join(),
      new RegExp(`^--x509-server-cert-path .* ${server.certPath}: the certificate expired at`),
    );
    const earlier = faultsOf(pair(), {}, Date.now() - DAY_MS);
    assert.match(earlier.join(), /: the certificate is not valid before/);
  });
});
