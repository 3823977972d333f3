// Settings of the certificates shown to origins and to Redis: what is refused, with a sentence that names the file or the setting.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestAuthority, type Issued } from '../fakes/test-authority.js';
import { loadLine } from './loading.js';

const DAY_MS = 86_400_000;

let authority: TestAuthority;
let own: Issued;
let other: Issued;

before(() => {
  authority = new TestAuthority();
  [own, other] = [authority.issue('own'), authority.issue('other')];
});
after(() => {
  authority.close();
});

function load(
  args: readonly string[],
  env: Record<string, string> = {},
  nowMs = Date.now(),
): ReturnType<typeof loadLine> {
  return loadLine(['http', ...args], { env, nowMs, readFile: (path) => readFileSync(path, 'utf8') });
}

function faultsOf(args: readonly string[], nowMs?: number): readonly string[] {
  const loaded = load(args, {}, nowMs);
  return loaded.kind === 'faults' ? loaded.faults : [];
}

const SIDES = [
  {
    side: 'origins',
    operands: ['disabled'],
    cert: '--origin-cert-file',
    key: '--origin-key-file',
    variables: ['SFP_ORIGIN_CERT_FILE', 'SFP_ORIGIN_KEY_FILE'],
    read: 'originCertificate',
  },
  {
    side: 'Redis',
    operands: ['redis', '--redis-tls'],
    cert: '--redis-cert-file',
    key: '--redis-key-file',
    variables: ['REDIS_CERT_FILE', 'REDIS_KEY_FILE'],
    read: 'redisCertificate',
  },
] as const;

for (const { side, operands, cert, key, variables, read } of SIDES) {
  describe(`the certificate for ${side}`, () => {
    const refused: Readonly<Record<string, () => readonly [args: readonly string[], told: RegExp]>> = {
      'without its key': () => [[cert, own.certPath], new RegExp(`^${cert} .* alone: ${key} .* is missing$`)],
      'of which only the key is named': () => [
        [key, own.keyPath],
        new RegExp(`^${key} .* alone: ${cert} .* is missing$`),
      ],
      'with the key of another': () => [
        [cert, own.certPath, key, other.keyPath],
        new RegExp(
          `^${key} .* ${other.keyPath}: the key does not belong to the certificate of .*${own.certPath}$`,
        ),
      ],
      'that is not there': () => [
        [cert, '/no/such/file', key, own.keyPath],
        new RegExp(`^${cert} .*: /no/such/file does not exist \\(ENOENT\\)$`),
      ],
      'in a file that holds none': () => [
        [cert, own.keyPath, key, own.keyPath],
        new RegExp(`^${cert} .* ${own.keyPath} contains no readable PEM certificate$`),
      ],
      'whose key cannot be read': () => {
        const damaged = join(authority.folder, 'damaged.key');
        writeFileSync(damaged, own.key.replace(/[a-z]/g, '#'));
        return [
          [cert, own.certPath, key, damaged],
          new RegExp(`^${key} .* ${damaged} contains no readable PEM private key$`),
        ];
      },
    };

    it('is read from both files, by options and by variables', () => {
      const paths = [own.certPath, own.keyPath];
      for (const loaded of [
        load([...operands, cert, own.certPath, key, own.keyPath]),
        load(operands, Object.fromEntries(variables.map((name, index) => [name, paths[index] ?? '']))),
      ]) {
        if (loaded.kind === 'faults') throw new Error(loaded.faults.join('; '));
        const { [read]: certificate } = loaded.config;
        assert.deepEqual(certificate?.paths, paths);
        assert.equal(certificate.files.key.pem, own.key);
      }
    });

    for (const [name, make] of Object.entries(refused)) {
      it(`is refused ${name}`, () => {
        const [args, told] = make();
        const faults = faultsOf([...operands, ...args]);
        assert.equal(faults.length, 1, faults.join('\n'));
        assert.match(faults[0] ?? '', told);
      });
    }

    it('is refused once it has expired, and before it is valid', () => {
      const args = [...operands, cert, own.certPath, key, own.keyPath];
      const [late = ''] = faultsOf(args, Date.now() + 31 * DAY_MS);
      assert.match(late, new RegExp(`^${cert} .* ${own.certPath}: the certificate expired at`));
      assert.match(faultsOf(args, Date.now() - DAY_MS).join(), /: the certificate is not valid before/);
    });
  });
}

describe('the certificate for Redis', () => {
  it('is refused where Redis is spoken to without TLS, and asked for only where there is a Redis', () => {
    const pair = ['--redis-cert-file', own.certPath, '--redis-key-file', own.keyPath];
    assert.match(faultsOf(['redis', ...pair]).join(), /^--redis-cert-file .* needs TLS/);
    assert.match(faultsOf(['redis', ...pair, '--redis-url', 'redis://r']).join(), / needs TLS/);
    assert.deepEqual(faultsOf(['redis', ...pair, '--redis-url', 'rediss://r']), []);
    assert.deepEqual(faultsOf(['disabled', '--redis-cert-file', '/no/such/file']), []);
  });
});
