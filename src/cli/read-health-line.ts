// A plain `health` command line, read without commander: an image runs it every few seconds, and loading that costs a fifth of it.
import type { ParseArgsConfig } from 'node:util';
import type { CommandLine, SettingName } from '../config/command-line.js';
import type { Setting } from '../config/setting.js';
import { settings } from '../config/settings.js';

/** An import of it loads what its other names need: 3 MB. */
const { parseArgs } = process.getBuiltinModule('node:util');

/** `args`: what follows `health`. Undefined for what is not just long options of ours with their values: the full reader's. */
export function readHealthLine(args: readonly string[]): CommandLine | undefined {
  const rows = Object.entries(settings) as [SettingName, Setting][];
  const types = rows.map(([, { flag, kind }]) => [flag, { type: kind === 'switch' ? 'boolean' : 'string' }]);
  let values: Readonly<Record<string, unknown>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: Object.fromEntries(types) as ParseArgsConfig['options'],
    }));
  } catch {
    // The full reader says what is wrong, of everything at once.
    return undefined;
  }
  const given = rows.map(([name, { flag }]) => [name, values[flag]] as const);
  const options = given.filter((entry): entry is [SettingName, string | true] => entry[1] !== undefined);
  return { operands: ['health'], idleOptions: [], unknownOptions: [], options: new Map(options) };
}
