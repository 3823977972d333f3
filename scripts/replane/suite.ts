// Replane's own test suite, installed from npm into a folder of one run, and run against any pair of its two APIs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './children.js';

/** It needs vitest, which nothing else here does: so none of it is a dependency of this repository. */
const PACKAGES = [
  '@replanejs/test-suite@1.0.4',
  '@replanejs/sdk@1.0.4',
  '@replanejs/admin@1.0.4',
  'vitest@4.1.12',
];

/** A connect() that times out leaves a rejection that nobody can catch, against Replane itself as well: not a fault of what is tested. */
const VITEST_CONFIG = `export default {
  test: { onUnhandledError: ({ code }) => (code === 'timeout' ? false : undefined) },
};
`;

export interface ReplaneUrls {
  /** Where configs are changed. */
  readonly admin: string;
  /** Where SDKs connect: what is tested. */
  readonly edge: string;
}

/** The exit code of npm. */
export async function installSuite(folder: string): Promise<number> {
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  writeFileSync(join(folder, 'vitest.config.js'), VITEST_CONFIG);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...PACKAGES];
  return await run({ file: 'npm', args, cwd: folder });
}

/** The exit code of vitest, which shows `title` as the name of the test file; `npm run test:replane -- -t NAME` runs tests of that name only. */
export async function runSuite(
  folder: string,
  title: string,
  { admin, edge }: ReplaneUrls,
  superuserKey: string,
): Promise<number> {
  const options = { superadminKey: superuserKey, adminApiBaseUrl: admin, edgeApiBaseUrl: edge };
  const file = `${title}.test.js`;
  writeFileSync(
    join(folder, file),
    `import { testSuite } from '@replanejs/test-suite';\ntestSuite(${JSON.stringify(options)});\n`,
  );
  const args = ['run', file, ...process.argv.slice(2)];
  return await run({ file: join(folder, 'node_modules/.bin/vitest'), args, cwd: folder });
}
