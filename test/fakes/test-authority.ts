// Certificates as an operator has them: an authority, a server, clients, and one of a stranger; in files, made by openssl.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Issued {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, with a folder for all it issues. */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'spec-forward-proxy-tls-'));
  readonly caPath = join(this.folder, 'ca.crt');
  #issued = 0;

  constructor(name = 'test authority') {
    const key = join(this.folder, 'ca.key');
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      key,
      '-out',
      this.caPath,
      '-subj',
      `/CN=${name}`,
      '-days',
      '30',
    );
  }

  get ca(): string {
    return readFileSync(this.caPath, 'utf8');
  }

  /** For `localhost` and the loopback addresses. */
  issue(name: string, days = 30): Issued {
    this.#issued += 1;
    const at = (ending: string): string => join(this.folder, `${name}-${this.#issued}.${ending}`);
    writeFileSync(at('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nbasicConstraints=CA:FALSE\n');
    this.#openssl('req', ...NEW_KEY, '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`);
    const ca = ['-CA', this.caPath, '-CAkey', join(this.folder, 'ca.key'), '-CAcreateserial'];
    this.#openssl(
      'x509',
      '-req',
      '-in',
      at('csr'),
      ...ca,
      '-out',
      at('crt'),
      '-extfile',
      at('ext'),
      '-days',
      String(days),
    );
    return this.#read(at('crt'), at('key'));
  }

  /** Another copy of what was issued, which may be written over. */
  copy(issued: Issued, name: string): Issued {
    const [cert, key] = [join(this.folder, `${name}.crt`), join(this.folder, `${name}.key`)];
    cpSync(issued.certPath, cert);
    cpSync(issued.keyPath, key);
    return this.#read(cert, key);
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }

  #read(certPath: string, keyPath: string): Issued {
    return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
