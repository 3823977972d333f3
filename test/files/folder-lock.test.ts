// The lock of a folder: one holder at a time, whoever starts at the same moment and whatever a killed process left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { lockFolder, type FolderLock } from '../../src/files/folder-lock.js';
import type { FileSystem } from '../../src/files/file-system.js';
import { FolderRefused } from '../../src/files/own-folder.js';
import { within } from '../e2e/deadline.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { TroubledFiles, type FileOperation } from '../fakes/troubled-files.js';

const TYPESCRIPT = new URL('../../scripts/typescript.mjs', import.meta.url).href;
const LOCK = new URL('../../src/files/folder-lock.ts', import.meta.url).href;
const HOLD = `
  const { lockFolder } = await import(${JSON.stringify(LOCK)});
  await lockFolder(process.argv[1], (error) => { throw error; });
  process.stdout.write('held');
  setInterval(() => {}, 1000);`;

function lock(folder: string, files?: FileSystem): Promise<FolderLock> {
  return lockFolder(
    folder,
    (error) => {
      throw error;
    },
    files,
  );
}

/** Those of so many simultaneous starts that got the lock; the others were refused. */
async function startAtOnce(folder: string, starts: number): Promise<readonly FolderLock[]> {
  const endings = await Promise.allSettled(Array.from({ length: starts }, () => lock(folder)));
  return endings.flatMap((ending) => {
    if (ending.status === 'fulfilled') return [ending.value];
    assert.ok(ending.reason instanceof FolderRefused, String(ending.reason));
    return [];
  });
}

/** The same without a process: the socket has a second name, and is closed by its first one. */
async function leaveDeadLock(folder: string): Promise<void> {
  mkdirSync(join(folder, 'lock'));
  const server = createServer().listen(join(folder, 'socket'));
  await once(server, 'listening');
  linkSync(join(folder, 'socket'), join(folder, 'lock', '1'));
  server.close();
  await once(server, 'close');
}

/** A process that got the lock and was killed: its socket stays behind. */
async function leaveLockOfKilled(folder: string): Promise<void> {
  const child = spawn(process.execPath, ['--import', TYPESCRIPT, '--input-type=module', '-e', HOLD, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  await within(once(child.stdout, 'data'), 'lock in the other process');
  await assert.rejects(lock(folder), FolderRefused);
  child.kill('SIGKILL');
  await within(exit, 'end of the other process');
}

test('of processes that start at once on the lock of a killed one, exactly one gets it', async () => {
  const folder = makeTemporaryFolder('lock');
  await leaveLockOfKilled(folder);
  const left = readdirSync(join(folder, 'lock'));
  assert.equal(left.length, 1);
  const holders = await startAtOnce(folder, 8);
  assert.equal(holders.length, 1);
  await assert.rejects(lock(folder), { message: 'another process uses the folder: each needs its own' });
  assert.deepEqual(
    readdirSync(join(folder, 'lock')).filter((name) => left.includes(name)),
    [],
    'what the killed process left is gone',
  );
  await holders[0]?.release();
  assert.deepEqual(readdirSync(join(folder, 'lock')), []);
});

test('a process that is overtaken at any step of taking over a dead lock does not hold the folder too', async () => {
  const steps: readonly (readonly [FileOperation, number])[] = [
    ['mkdir', 1],
    ['readdir', 1],
    ['readdir', 2],
    ['readdir', 3],
    ['link', 1],
    ['unlink', 1],
    ['unlink', 2],
  ];
  for (const [operation, call] of steps) {
    const folder = makeTemporaryFolder('lock');
    await leaveDeadLock(folder);
    const troubled = new TroubledFiles();
    let calls = 0;
    const hanging = troubled.hang(operation, () => (calls += 1) === call);
    const slow = lock(folder, troubled.files).then(
      (held) => held,
      (error: unknown) => {
        assert.ok(error instanceof FolderRefused, String(error));
      },
    );
    await within(hanging.reached, `${operation} ${call}`);
    const [fast] = await startAtOnce(folder, 1);
    hanging.release();
    const holders = [fast, await slow].filter((held) => held !== undefined);
    assert.equal(holders.length, 1, `${operation} ${call}`);
    await holders[0]?.release();
  }
});

test('in whatever order processes start and stop, no two hold the folder', async () => {
  const folder = makeTemporaryFolder('lock');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 6 }), async (starts) => {
      let held: FolderLock | undefined;
      for (const count of starts) {
        const releasing = count % 2 === 0 ? held?.release() : undefined;
        if (releasing !== undefined) held = undefined;
        const holders = await startAtOnce(folder, count);
        await releasing;
        assert.ok(holders.length <= (held === undefined ? 1 : 0), `${holders.length} more`);
        held ??= holders[0];
        if (held !== undefined) await assert.rejects(lock(folder), FolderRefused);
      }
      await held?.release();
      const [holder, ...others] = await startAtOnce(folder, 1);
      assert.deepEqual([holder === undefined, others.length], [false, 0]);
      await holder?.release();
    }),
    { numRuns: 60 },
  );
});

test('files of strangers in the place of locks keep nobody out, and are left alone', async () => {
  const folder = makeTemporaryFolder('lock');
  mkdirSync(join(folder, 'lock'));
  writeFileSync(join(folder, 'lock', 'README'), 'theirs');
  const held = await lock(folder);
  await held.release();
  assert.deepEqual(readdirSync(join(folder, 'lock')), ['README']);
});

test('where there can be no lock, that is said, and none is held', async () => {
  const folder = makeTemporaryFolder('lock');
  writeFileSync(join(folder, 'lock'), 'in the way');
  const told: unknown[] = [];
  const none = await lockFolder(folder, (error) => told.push(error));
  assert.equal(told.length, 1);
  await none.release();
});
