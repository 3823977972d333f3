// Whether a folder could be made and written into, found without making it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { folderFault } from '../../src/files/folder-fault.js';

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'folder-fault-'));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

test('a directory, and one that can be made, have no fault', (t) => {
  const folder = temporaryFolder(t);
  assert.equal(folderFault(folder), undefined);
  assert.equal(folderFault(join(folder, 'new', 'and', 'deeper')), undefined);
  assert.equal(folderFault('relative-and-not-there'), undefined);
});

test('a file, and what is below a file, are no directories', (t) => {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, '');
  assert.equal(folderFault(path), 'is not a directory');
  assert.match(folderFault(join(path, 'below')) ?? '', /^cannot be used \(ENOTDIR\)$/);
});

test('what the system refuses has its code as fault', (t) => {
  assert.equal(folderFault(join(temporaryFolder(t), 'x'.repeat(300))), 'cannot be used (ENAMETOOLONG)');
});
