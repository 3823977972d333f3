// A file as the kubelet mounts it from a Secret, and replaces it: by a link that moves.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** `keys` leads through `..data` to a folder that is replaced as a whole. */
export function mountSecret(
  t: TestContext,
  text: string,
): { readonly path: string; update(text: string): void } {
  const folder = mkdtempSync(join(tmpdir(), 'secret-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  let versions = 0;
  const update = (next: string): void => {
    versions += 1;
    mkdirSync(join(folder, `..${versions}`));
    writeFileSync(join(folder, `..${versions}`, 'keys'), next);
    symlinkSync(`..${versions}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    rmSync(join(folder, `..${versions - 1}`), { recursive: true, force: true });
  };
  update(text);
  symlinkSync(join('..data', 'keys'), join(folder, 'keys'));
  return { path: join(folder, 'keys'), update };
}
