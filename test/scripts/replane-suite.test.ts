// What `npm run test:replane` needs of a checkout of Replane before it starts anything, said one by one.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { missingIn } from '../../scripts/replane/checkout.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

test('a folder is taken once it is a checkout with its dependencies, and a database is named', () => {
  const folder = makeTemporaryFolder('replane-checkout');
  const add = (path: string, text = ''): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  assert.match(missingIn(folder, {}).join(), /is no checkout: .* has no package\.json/);
  add('package.json', '{"name":"other"}');
  assert.match(missingIn(folder, {}).join('\n'), /holds other\n.*no src\/sdk-api\.ts/);
  add('package.json', '{"name":"replane"}');
  for (const part of ['sdk-api', 'admin-api', 'engine/engine-singleton', 'engine/edge-singleton'])
    add(`src/${part}.ts`);
  assert.deepEqual(missingIn(folder, {}), [
    'its dependencies are not installed: pnpm install, and @hono/node-server where it is none of them',
    'better-sqlite3 is not built: pnpm rebuild better-sqlite3',
    'DATABASE_URL is not set',
  ]);
  add('node_modules/hono/package.json');
  add('node_modules/@hono/node-server/package.json');
  add('node_modules/better-sqlite3/build/Release/better_sqlite3.node');
  assert.deepEqual(missingIn(folder, { DATABASE_URL: 'postgres://x' }), []);
});
