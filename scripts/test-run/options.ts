// What the test runner can be told on its command line.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export const USAGE = `usage: node scripts/run-tests.mjs [OPTION]... [FILE]...

Runs all test files, or those named; tests that start the proxy need \`npm run build\` first.

  --unit            only files that open no socket and start no program
  --process         only files that do: servers, the proxy, redis-server, applications with SDKs
  --soak            the long versions (*.soak.test.ts), with SOAK=1
  --and-on-node-24  what touches sockets, streams and clients on Node 24 as well
  --and-lint        lint and format of everything as well, beside the first files
  --concurrency N   files at a time: three for each core unless typed
  --slowest N       names, at the end, the files that took longest

SEED=N repeats the random walks of the run that printed this seed.`;

/** Files mostly wait: for intervals, timeouts and programs that start. With two for each core, a third of the time was idle. */
const CONCURRENCY = 3 * availableParallelism();

export interface Options {
  readonly help: boolean;
  readonly unit: boolean;
  readonly process: boolean;
  readonly soak: boolean;
  readonly alsoOnNode24: boolean;
  readonly alsoLint: boolean;
  readonly concurrency: number;
  /** How many to name; none for 0. */
  readonly slowest: number;
  /** None for all. */
  readonly files: readonly string[];
}

export function optionsOf(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      unit: { type: 'boolean', default: false },
      process: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      'and-on-node-24': { type: 'boolean', default: false },
      'and-lint': { type: 'boolean', default: false },
      slowest: { type: 'string', default: '0' },
      concurrency: { type: 'string', default: String(CONCURRENCY) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { concurrency, slowest, 'and-on-node-24': alsoOnNode24, 'and-lint': alsoLint, ...rest } = values;
  return {
    ...rest,
    alsoOnNode24,
    alsoLint,
    concurrency: Number(concurrency),
    slowest: Number(slowest),
    files: positionals,
  };
}
