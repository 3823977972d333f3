// Options of one subcommand: taken out of its command line with their values, and judged by the same rules as settings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeOwnOptions } from '../../src/config/own-options.js';
import { settings } from '../../src/config/settings.js';
import { doctorOptions, shadowOptions } from '../../src/config/subcommand-options.js';

test('values come behind a space or an equals sign, the last one counts, and the rest keeps its order', () => {
  const args = ['http', '--against=http://a/v1', '-p', '5', '--for-s', '7', '--json', '--for-s=9', 'redis'];
  const { values, faults, rest } = takeOwnOptions(args, shadowOptions);
  assert.deepEqual(faults, []);
  assert.deepEqual(rest, ['http', '-p', '5', 'redis']);
  assert.equal(values.against?.href, 'http://a/');
  assert.deepEqual([values.forS, values.intervalS, values.json, values.base], [9, 10, true, undefined]);
});

test('what is wrong is said with the bounds, all of it at once, and without a key', () => {
  const args = [
    '--skip',
    'a b',
    '--balancer-idle-timeout-in-s=x',
    '--strict=maybe',
    '--skip=secret-abcdefghijklmnop1',
  ];
  const { faults } = takeOwnOptions(args, doctorOptions);
  assert.deepEqual(faults, [
    "--skip: 'a b' must be names of checks, separated by commas (names of checks, separated by commas)",
    "--balancer-idle-timeout-in-s: 'x' must be an integer (1 to 86400)",
    "--strict: 'maybe' must be true or false (true or false)",
    "--skip: 'secret-abcd***' must be names of checks, separated by commas (names of checks, separated by commas)",
  ]);
  assert.deepEqual(takeOwnOptions(['--against'], shadowOptions).faults, [
    '--against: needs a value (an http:// or https:// URL)',
  ]);
});

test('no subcommand has an option that a setting has', () => {
  const flags: readonly string[] = Object.values(settings).map(({ flag }) => flag);
  for (const { flag } of [...Object.values(doctorOptions), ...Object.values(shadowOptions)])
    assert.ok(!flags.includes(flag), flag);
});
