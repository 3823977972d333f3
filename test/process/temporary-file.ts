// A file of its own for a test, in a folder that is gone when the test is over.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Writes the file and gives its path. */
export function temporaryFile(t: TestContext, text: string, name = 'file'): string {
  const folder = mkdtempSync(join(tmpdir(), 'spec-forward-proxy-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
