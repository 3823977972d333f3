// The documents that repeat what the code says: held equal to it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationText } from '../scripts/configuration-text.js';
import { boundsText, type Setting } from '../src/config/setting.js';
import { settings } from '../src/config/settings.js';

const ROOT = new URL('..', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

test('docs/configuration.md is what the settings table makes of it', () => {
  assert.equal(read('docs/configuration.md'), configurationText(), 'run `npm run docs`');
});

test('every reason of an error stands in docs/endpoints.md with its status', () => {
  const table = /const STATUSES = \{(.*?)\}/s.exec(read('src/servers/http/error-reply.ts'))?.[1] ?? '';
  const reasons = [...table.matchAll(/(\w+): (\d{3}),/g)];
  assert.ok(reasons.length > 10);
  const page = read('docs/endpoints.md');
  for (const [, reason = '', status = ''] of reasons) {
    assert.match(page, new RegExp(`\\| ${status} \\| \`${reason}\``), reason);
  }
});

test('every reason of a failure upstream stands in docs/operations.md', () => {
  const faults = [...read('src/domain/body-reader.ts').matchAll(/^ {2}\| '(\w+)'/gm)];
  const failures = [
    'src/sources/upstream/upstream-failure.ts',
    'src/sources/upstream/upstream-response.ts',
  ].flatMap((path) => [...read(path).matchAll(/^ {2}\| '(\w+)'/gm)]);
  const ofFiles = ['src/sources/id-list-file-origin.ts', 'src/id-lists/file-reading.ts'].flatMap((path) => [
    ...read(path).matchAll(/^ {2}\| '(\w+)'/gm),
  ]);
  const page = read('docs/operations.md');
  assert.ok(faults.length > 5 && failures.length > 10 && ofFiles.length > 8);
  for (const [, reason = ''] of [...faults, ...failures, ...ofFiles]) {
    assert.ok(page.includes(`\`${reason}\``), `${reason} is missing`);
  }
});

test('links between the documents lead somewhere', () => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(new URL('docs', ROOT)).map((name) => `docs/${name}`),
    'examples/data-adapters/README.md',
  ];
  for (const page of pages.filter((name) => name.endsWith('.md'))) {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.doesNotThrow(
        () => readFileSync(new URL(target, new URL(page, ROOT))),
        `${page} links to ${target}`,
      );
    }
  }
});

test('a text setting says its bounds in words that fit the table', () => {
  for (const setting of Object.values(settings) as Setting[]) {
    assert.ok(!boundsText(setting).includes('|') && !setting.help.includes('|'), setting.flag);
  }
});
