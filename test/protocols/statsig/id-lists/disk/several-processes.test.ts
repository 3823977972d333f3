// Real processes, killed at any moment, and two places on one folder.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { copyFile } from '../../../../../src/protocols/statsig/id-lists/disk/copy-file.js';
import { copyName, grow, listBytes, readAll } from '../../../../contracts/copy-bytes.js';
import { eventually, within } from '../../../../e2e/deadline.js';
import { CopiesFolder } from './copies-folder.js';
import { GROWING, listOf, REPLACED } from './growing-lists.js';

const PROCESS = fileURLToPath(new URL('growing-copies.ts', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../../../../../scripts/typescript.mjs', import.meta.url));
const KILLS = 6;
const NAME = copyName('one');
const TAKEN = 'another process uses the folder: each needs its own';

interface Growing {
  /** How far it said that the growing copy has come, each time. */
  readonly said: readonly number[];
  readonly kill: () => Promise<void>;
}

/** Gone when the test is over. */
function startGrowing(t: TestContext, folder: string): Growing {
  const child = spawn(process.execPath, ['--import', TYPESCRIPT, PROCESS, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: number[] = [];
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => said.push(Number(line)));
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await within(ended, 'end of the process');
    assert.equal(complaints, '');
  };
  t.after(kill);
  return { said, kill };
}

test('a process killed at any moment leaves right bytes, and all that it said were kept', async (t) => {
  const folder = new CopiesFolder(t);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = startGrowing(t, folder.path);
    await eventually('growth', () => child.said.length >= 3 + 3 * kill);
    await child.kill();
    const { place, left } = await folder.open();
    const growing = left.get(GROWING) ?? assert.fail('the growing copy is there');
    const last = child.said.at(-1) ?? 0;
    assert.ok(growing.length >= last, `${growing.length} of ${last}`);
    assert.ok((await readAll(growing)).equals(listBytes(1, 0, growing.length)));
    const replaced = left.get(REPLACED);
    if (replaced !== undefined && replaced.length > 0) {
      const list = listOf(await readAll(replaced, 0, 10));
      assert.ok((await readAll(replaced)).equals(listBytes(list, 0, replaced.length)));
    }
    await place.close();
  }
  assert.deepEqual(
    folder.sink.lines.filter(({ damaged }) => typeof damaged !== 'number'),
    [],
  );
});

test('a second process does without the folder, says so once, and has it when the first has ended', async (t) => {
  const folder = new CopiesFolder(t);
  const first = await folder.open();
  const copy = await first.place.create(NAME);
  await grow(copy, 1, 1000);
  const second = await folder.open();
  assert.equal(second.left.size, 0);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await assert.rejects(second.place.create(NAME), { name: 'FolderRefused', message: TAKEN });
  }
  assert.equal(folder.sink.lines.length, 1);
  const { reason, detail, level } = folder.sink.lines[0] ?? assert.fail();
  assert.deepEqual([reason, detail, level], ['disk_denied', TAKEN, 'warn']);
  await grow(copy, 1, 2000);
  assert.ok((await readAll(copy)).equals(listBytes(1, 0, 2000)));
  await second.place.close();
  const third = await folder.open();
  await first.place.close();
  const next = await third.place.create(copyName('next'));
  await grow(next, 2, 100);
  assert.ok((await readAll(next)).equals(listBytes(2, 0, 100)));
  await eventually('removal of what was not taken over', () => !folder.names.includes(copyFile(NAME)));
});

test('a folder whose path is too long for a lock is used without one, and that is told once', async (t) => {
  const folder = new CopiesFolder(t);
  const path = join(folder.path, 'x'.repeat(120));
  const { place } = await folder.open(undefined, { folder: path });
  await grow(await place.create(NAME), 1, 10);
  await place.create(copyName('other'));
  await place.close();
  const [line, ...more] = folder.sink.lines;
  assert.equal(
    line?.['msg'],
    'the folder of ID lists cannot be locked: make sure that no other process uses it',
  );
  assert.deepEqual(more, []);
  assert.equal((await folder.open(undefined, { folder: path })).left.get(NAME)?.length, 10);
});
