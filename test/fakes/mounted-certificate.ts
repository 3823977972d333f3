// A certificate, its key and authorities in a folder as Kubernetes mounts a Secret, swapped as Kubernetes does it.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued, TestAuthority } from './test-authority.js';

/** A folder as Kubernetes mounts a Secret: `..data` is a link to the files, and is swapped for another. */
export class MountedSecret {
  readonly folder: string;
  readonly certPath: string;
  readonly keyPath: string;
  readonly caPath: string;
  #ca: string;
  #swaps = 0;

  constructor(authority: TestAuthority, name: string, issued: Issued, ca = authority.ca) {
    this.#ca = ca;
    this.folder = join(authority.folder, name);
    [this.certPath, this.keyPath, this.caPath] = ['tls.crt', 'tls.key', 'ca.crt'].map((file) =>
      join(this.folder, file),
    ) as [string, string, string];
    mkdirSync(this.folder);
    this.swap(issued.cert, issued.key);
    for (const file of ['tls.crt', 'tls.key', 'ca.crt'])
      symlinkSync(join('..data', file), join(this.folder, file));
  }

  swap(cert: string, key: string, ca = this.#ca): void {
    this.#ca = ca;
    this.#swaps += 1;
    const data = join(this.folder, `..${this.#swaps}`);
    mkdirSync(data);
    for (const [file, text] of Object.entries({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca })) {
      writeFileSync(join(data, file), text);
    }
    symlinkSync(`..${this.#swaps}`, join(this.folder, '..next'));
    renameSync(join(this.folder, '..next'), join(this.folder, '..data'));
  }

  get args(): readonly string[] {
    return ['--x509-server-cert-path', this.certPath, '--x509-server-key-path', this.keyPath];
  }
}
