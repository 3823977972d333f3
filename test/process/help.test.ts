// What the binary tells about itself: help with every setting, and its version.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Setting } from '../../src/config/setting.js';
import { settings } from '../../src/config/settings.js';
import { runProgram } from './daemon.js';

test("--help-all prints every setting's option, variable and default, and exits with status 0", async (t) => {
  const { code, stdout, stderr } = await runProgram(t, ['--help-all']);
  assert.equal(code, 0);
  assert.equal(stderr, '');
  const entries = entriesOf(stdout);
  for (const setting of Object.values(settings) as Setting[]) {
    const entry = entries.get(setting.flag) ?? '';
    assert.match(entry, new RegExp(`\\b${setting.env}\\)`), `variable of --${setting.flag} in: ${entry}`);
    if (setting.short !== undefined) assert.ok(entry.includes(`-${setting.short}, --${setting.flag}`));
    if (setting.kind === 'switch' || setting.kind === 'flag' || setting.default === '') continue;
    assert.ok(entry.includes(`default ${setting.default};`), `default of --${setting.flag} in: ${entry}`);
  }
});

for (const flag of ['-h', '--help']) {
  test(`${flag} prints the common settings and exits with status 0`, async (t) => {
    const { code, stdout, stderr } = await runProgram(t, [flag]);
    assert.deepEqual([code, stderr], [0, '']);
    const entries = entriesOf(stdout);
    assert.ok(entries.has('polling-interval-in-s') && entries.has('help-all'));
    assert.ok(!entries.has('cold-fetches-max'));
  });
}

for (const flag of ['-V', '--version']) {
  test(`${flag} prints the version of the package and exits with status 0`, async (t) => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    const { code, stdout, stderr } = await runProgram(t, [flag]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${version}\n`, stderr: '' });
  });
}

/** The help's text for each long option, on one line. */
function entriesOf(help: string): ReadonlyMap<string, string> {
  const entries = help.split(/\n(?= {2}-|\S)/).map((text) => text.replace(/\s+/g, ' ').trim());
  const options = entries.filter((entry) => entry.startsWith('-'));
  return new Map(options.map((entry) => [/--([a-z0-9-]+)/.exec(entry)?.[1] ?? '', entry]));
}
