// What the built program looks for beside its own files is there: files of threads, its manifest.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const DIST = new URL('../../dist/', import.meta.url);

test('every file that is named by its place beside another is there', () => {
  const chunks = readdirSync(DIST).filter((name) => name.endsWith('.js'));
  const named = chunks.flatMap((name) => {
    const found = readFileSync(new URL(name, DIST), 'utf8').matchAll(
      /new URL\((?:'|")([^'"]+)(?:'|"), import\.meta\.url\)/g,
    );
    return Array.from(found, ([, path]) => String(path));
  });
  assert.ok(named.includes('../package.json') && named.some((path) => path.endsWith('-thread.js')));
  for (const path of named) assert.ok(existsSync(new URL(path, DIST)), path);
});
