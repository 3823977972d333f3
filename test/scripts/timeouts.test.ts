// The page of timeouts: equal to the code, whole, and each row held by a test that is there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NO_TIMEOUTS, TIMEOUTS } from '../../scripts/timeouts-table.js';
import { readMs, timeoutsText } from '../../scripts/timeouts-text.js';

const ROOT = new URL('../../', import.meta.url);
const ALL = Object.values(TIMEOUTS).flat();

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

test('docs/timeouts.md is what the table makes of it', () => {
  assert.equal(read('docs/timeouts.md'), timeoutsText(), 'run `npm run docs`');
});

test('every timeout in the sources is in the table, or among what is none', () => {
  const inSources = readdirSync(new URL('src', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [
        ...read(`src/${file}`).matchAll(/^(?:export )?const (\w*(?:TIMEOUT|DEADLINE|_MS_MAX)\w*) = [\d_]/gm),
      ].map(([, name]) => `${file} ${name ?? ''}`),
    );
  const inTable = ALL.flatMap(({ time }) => ('file' in time ? [`${time.file} ${time.name}`] : []));
  assert.ok(inSources.length > 40, `${inSources.length} found`);
  const missing = inSources.filter((name) => !inTable.includes(name) && !NO_TIMEOUTS.includes(name));
  assert.deepEqual(missing, [], 'add them to scripts/timeouts-table.ts and run `npm run docs`');
  assert.deepEqual(
    NO_TIMEOUTS.filter((name) => !inSources.includes(name)),
    [],
  );
});

test('the test that holds a timeout is there', () => {
  for (const { what, test: held } of ALL) {
    assert.ok(read(`test/${held[0]}`).includes(held[1]), `${what}: ${held.join(' ')}`);
  }
});

test('numbers are read as they are written, and what is none is told', () => {
  assert.equal(readMs('http-client/outbound/connection-age.ts', 'CONNECTION_MS_MAX'), 300_000);
  assert.equal(readMs('network/dial.ts', 'NEXT_ATTEMPT_MS'), 250);
  assert.throws(() => readMs('network/dial.ts', 'NOTHING'), /no number called NOTHING/);
});
