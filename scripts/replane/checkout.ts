// A checkout of Replane in which its server can be started: what it lacks, said in words that help.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where its server's parts are, without the pages that need a build of their own. */
const PARTS = [
  'src/sdk-api.ts',
  'src/admin-api.ts',
  'src/engine/engine-singleton.ts',
  'src/engine/edge-singleton.ts',
];

export const NEEDS = `needed: REPLANE_DIR, which may be left out, a checkout of github.com/replane-dev/replane with its dependencies:
  npm i --global pnpm@10.7.0 && pnpm install --frozen-lockfile --ignore-scripts && pnpm rebuild better-sqlite3
and DATABASE_URL, an empty PostgreSQL database that may be filled, as postgres://postgres@127.0.0.1:5432/replane`;

/** What is missing, one reason a line; empty where all is there. */
export function missingIn(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (!existsSync(join(folder, 'package.json')))
    return [`REPLANE_DIR is no checkout: ${folder} has no package.json`];
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name?: string;
  };
  const lacking = PARTS.filter((part) => !existsSync(join(folder, part)));
  const built = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
  return [
    ...(name === 'replane' || lacking.length === 0 ? [] : [`REPLANE_DIR holds ${name ?? 'something else'}`]),
    ...lacking.map(
      (part) => `the checkout has no ${part}: this needs v1.2.3, or a later version that still has it`,
    ),
    ...(['hono', '@hono/node-server'].every((name) => existsSync(join(folder, 'node_modules', name)))
      ? []
      : ['its dependencies are not installed: pnpm install, and @hono/node-server where it is none of them']),
    ...(existsSync(join(folder, built)) ? [] : ['better-sqlite3 is not built: pnpm rebuild better-sqlite3']),
    ...((env['DATABASE_URL'] ?? '') === '' ? ['DATABASE_URL is not set'] : []),
  ];
}
