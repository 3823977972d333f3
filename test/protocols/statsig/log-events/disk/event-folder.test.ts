// The folder of log events: one process at a time uses it, and it is made again, or waited for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { KeptBatch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { within } from '../../../../e2e/deadline.js';
import { settle } from '../../../../fakes/manual-clock.js';
import { copyOf, ids, makeBatch, makeFolder, openKeeper } from './folder.js';

describe('a folder', () => {
  it('that is removed is made again: what was kept is read as before, and what comes outlives a kill', async (t) => {
    const folder = join(makeFolder(), 'log-events');
    const { keeper, told } = await openKeeper(t, folder);
    const before = await keeper.keep(makeBatch('before'));
    rmSync(folder, { recursive: true });
    await assert.rejects(keeper.keep(makeBatch('during')), /was removed/);
    assert.equal((await before.read()).id, 'before');
    await keeper.keep(makeBatch('after'));
    assert.deepEqual(ids((await openKeeper(t, copyOf(folder))).left), ['after']);
    await assert.rejects(openKeeper(t, folder), /another process uses the folder/);
    assert.deepEqual(told.errors, []);
  });

  it('whose key is removed gets it back, so that the next process can read it', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder, 100);
    await keeper.keep(makeBatch('before'));
    rmSync(join(folder, 'key'));
    await keeper.keep(makeBatch('after'));
    assert.deepEqual(ids((await openKeeper(t, copyOf(folder))).left), ['before', 'after']);
  });

  it('that hangs is asked for one thing at a time, so that files, DNS and compression go on elsewhere', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    const kept: KeptBatch[] = [];
    for (let index = 0; index < 10; index += 1) kept.push(await keeper.keep(makeBatch(`batch ${index}`)));
    // In the place of the list of what is done: whoever opens it to write waits until somebody reads.
    const pipe = join(folder, '0000000000000001.done');
    execFileSync('mkfifo', [pipe]);
    kept[0]?.forget();
    await settle();
    let isRead = false;
    const reading = Promise.all(kept.slice(1).map((each) => each.read())).then(() => (isRead = true));
    // Others still find threads for their files.
    for (let look = 0; look < 20; look += 1) await stat(folder);
    assert.equal(isRead, false);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    await within(reading, 'reading of what waited');
    closeSync(reader);
  });

  it("is one process's at a time", async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    await assert.rejects(openKeeper(t, folder), /another process uses the folder/);
    await keeper.close();
    await openKeeper(t, folder);
  });

  it('whose path is too long for a lock is used without one, and that is told', async (t) => {
    const folder = join(makeFolder(), 'x'.repeat(120));
    const { keeper, told } = await openKeeper(t, folder);
    assert.equal(told.errors.length, 1);
    assert.equal((await keeper.keep(makeBatch('one'))).id, 'one');
  });

  it('that belongs to somebody else, or that others may write into, is not used', async (t) => {
    const folder = makeFolder();
    const stranger = { uid: (process.getuid?.() ?? 0) + 1, gids: [] };
    await assert.rejects(openKeeper(t, folder, undefined, stranger), /the folder belongs to another user/);
    chmodSync(folder, 0o707);
    await assert.rejects(openKeeper(t, folder), /other users may write into the folder/);
    chmodSync(folder, 0o700);
    const { keeper } = await openKeeper(t, folder, 100);
    await keeper.keep(makeBatch('before'));
    chmodSync(folder, 0o707);
    await assert.rejects(keeper.keep(makeBatch('after')), /other users may write into the folder/);
  });

  it('that cannot be made, or whose key is not one, is not used', async (t) => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(openKeeper(t, join(folder, 'file')), /the path exists but is not a directory/);
    writeFileSync(join(folder, 'key'), 'short');
    await assert.rejects(openKeeper(t, folder), /has 5 bytes, not 32/);
  });
});
