// A command line that is loaded as the daemon loads it, in surroundings of a test.
import assert from 'node:assert/strict';
import { readCommandLine } from '../../src/cli/read-command-line.js';
import { loadConfig, type Config, type Surroundings } from '../../src/config/load-config.js';
import type { Loaded } from '../../src/config/load-settings.js';

/** Where left out: no variables, no files, folders that can be used, and the year 1970. */
export function loadLine(args: readonly string[], around: Partial<Surroundings> = {}): Loaded<Config> {
  const typed = readCommandLine(args, '1.2.3');
  if (typed.kind !== 'run') throw new Error('not a daemon');
  return loadConfig(typed.line, {
    env: {},
    hostName: 'the-host',
    nowMs: 0,
    fallbackDataDir: '/the-temp-dir/ours',
    folderFault: () => undefined,
    readFile: (path) => assert.fail(path),
    ...around,
  });
}
