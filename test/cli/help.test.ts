// --help: the common settings, --help-all: every setting; in groups, and no line wider than the terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import type { Setting } from '../../src/config/setting.js';
import { settingGroups, settings } from '../../src/config/settings.js';

function help(args: readonly string[], width?: number): string {
  const typed = readCommandLine(args, '1.2.3', width);
  return typed.kind === 'told' ? typed.text : assert.fail('no help');
}

const rows = Object.values(settings) as Setting[];
const isNamedIn = (text: string, { flag }: Setting): boolean => new RegExp(`--${flag}(?![\\w-])`).test(text);

test('--help-all has every setting below the title of its group', () => {
  const text = help(['--help-all']);
  const sections = new Map(text.split(/\n(?=\S)/).map((section) => [section.split('\n')[0], section]));
  for (const { title, settings: group } of settingGroups) {
    const section = sections.get(`${title}:`) ?? assert.fail(`no section ${title}`);
    for (const setting of Object.values(group) as Setting[]) {
      assert.ok(isNamedIn(section, setting), `${setting.flag} below ${title}`);
    }
  }
});

test('the groups have every setting once', () => {
  const grouped = settingGroups.flatMap((group) => Object.keys(group.settings));
  assert.deepEqual([...grouped].sort(), Object.keys(settings).sort());
});

test('--help has the common settings only, and says where the others are', () => {
  const text = help(['--help']);
  const common = rows.filter((setting) => setting.isCommon === true);
  assert.ok(common.length >= 10 && common.length <= 30, String(common.length));
  for (const setting of rows) {
    const [options = ''] = text.split('\nExamples:');
    assert.equal(
      new RegExp(`^ {2}(?:-\\w, )?--${setting.flag}(?![\\w-])`, 'm').test(options),
      common.includes(setting),
      setting.flag,
    );
  }
  assert.match(text, /--help-all/);
});

for (const [width, expected] of [
  [undefined, 80],
  [60, 60],
  [132, 132],
] as const) {
  test(`with a terminal of ${width ?? 'no'} columns no line is longer than ${expected}`, () => {
    // Examples stay as they are typed.
    const lines = ['--help', '--help-all'].flatMap((flag) =>
      (help([flag], width).split('\nExamples:')[0] ?? '').split('\n'),
    );
    // The longest name cannot be wrapped.
    const tooLong = lines.filter((line) => line.length > expected && !/^ {2}--\S+ <\S+>$|^ +\S+$/.test(line));
    assert.deepEqual(tooLong, []);
    assert.ok(Math.max(...lines.map((line) => line.length)) > expected - 20, 'the width is used');
  });
}

test('help is asked for anywhere among the arguments', () => {
  assert.equal(help(['http', '-p', '5', '--help-all', 'disabled']), help(['--help-all']));
  assert.equal(help(['http', 'disabled', '-h']), help(['--help']));
});
