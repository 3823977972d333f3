// Runs every test file under test/, or those given as arguments. Node 20 expands no globs of its own.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const TEST_TIMEOUT_MS = 120_000;
const TYPESCRIPT = new URL('./typescript.mjs', import.meta.url).href;

const given = process.argv.slice(2);
const files =
  given.length > 0
    ? given
    : readdirSync('test', { recursive: true })
        .map((name) => join('test', String(name)))
        .filter((name) => name.endsWith('.test.ts'))
        .sort();
if (files.length === 0) {
  console.error('no test files found');
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  ['--import', TYPESCRIPT, '--test', `--test-timeout=${TEST_TIMEOUT_MS}`, ...files],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
