// Whose a folder has to be: this user's, or a group's that Kubernetes gave it to; and how it is made.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { OwnFolder, type FolderUser } from '../../src/files/own-folder.js';
import { systemFiles } from '../../src/files/file-system.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { TroubledFiles } from '../fakes/troubled-files.js';

const FORBIDDEN = { name: 'FolderRefused', message: 'the folder belongs to another user' };

/** A folder that belongs to somebody else, of this process' group. */
function foreignFolder(mode: number): { readonly path: string; readonly user: FolderUser } {
  const path = join(makeTemporaryFolder('own'), 'specs');
  mkdirSync(path);
  chmodSync(path, mode);
  const { uid, gid } = statSync(path);
  return { path, user: { uid: uid + 1, gids: [gid + 1, gid] } };
}

function check({ path, user }: { readonly path: string; readonly user: FolderUser }): Promise<void> {
  return new OwnFolder(systemFiles, path, user).make();
}

test("another user's folder is used where a group of this process may use it", async () => {
  await check(foreignFolder(0o770));
  await check(foreignFolder(0o2770));
  await assert.rejects(check(foreignFolder(0o700)), FORBIDDEN);
  await assert.rejects(check(foreignFolder(0o750)), FORBIDDEN);
  await assert.rejects(check(foreignFolder(0o772)), /other users may write into the folder/);
  const { path, user } = foreignFolder(0o770);
  await assert.rejects(check({ path, user: { ...user, gids: user.gids.slice(0, 1) } }), FORBIDDEN);
});

test("another user's folder is not used where everybody may make folders, whatever its group", async () => {
  for (const mode of [0o1777, 0o1773]) {
    const folder = foreignFolder(0o770);
    chmodSync(dirname(folder.path), mode);
    await assert.rejects(check(folder), FORBIDDEN);
    chmodSync(dirname(folder.path), 0o775);
    await check(folder);
  }
});

test('a link leads to the place where the folder is', async () => {
  const folder = foreignFolder(0o770);
  chmodSync(dirname(folder.path), 0o1777);
  const path = join(makeTemporaryFolder('link'), 'specs');
  symlinkSync(folder.path, path);
  const troubled = new TroubledFiles();
  troubled.changeOwner(path, folder.user.uid);
  await assert.rejects(new OwnFolder(troubled.files, path, folder.user).make(), FORBIDDEN);
  chmodSync(dirname(folder.path), 0o755);
  await new OwnFolder(troubled.files, path, folder.user).make();
});

test('a folder is made with those above it, for its owner alone', async () => {
  const parent = makeTemporaryFolder('own');
  const path = join(parent, 'one', 'two');
  await Promise.all(Array.from({ length: 4 }, () => new OwnFolder(systemFiles, path, undefined).make()));
  for (const each of [path, join(parent, 'one')]) assert.equal(statSync(each).mode & 0o777, 0o700);
});

test('where no folder can be made, it is tried once', { skip: process.platform !== 'linux' }, async () => {
  const troubled = new TroubledFiles();
  const folder = new OwnFolder(troubled.files, '/proc/spec-forward-proxy/specs', undefined);
  await assert.rejects(folder.make(), { code: 'ENOENT' });
  assert.ok(troubled.order.length < 10, troubled.order.join(' '));
});
