// Files of log events: gone when all in them is done, few and small, whole whatever the disk takes, and sealed.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BatchDamage, type KeptBatch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { eventually, within } from '../../../../e2e/deadline.js';
import {
  bytesIn,
  copyOf,
  filesIn,
  ids,
  isReadable,
  limitFiles,
  makeBatch,
  makeFolder,
  openKeeper,
  writeDown,
} from './folder.js';

describe('files', () => {
  it('go when all that is in them is done', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    const kept = [];
    for (let index = 0; index < 50; index += 1) {
      kept.push(await keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(1000))));
    }
    assert.ok(filesIn(folder, '.events').length > 4);
    for (const batch of kept) batch.forget();
    await eventually('end of all files but the last', () => filesIn(folder, '.events').length === 1);
    await keeper.close();
    assert.deepEqual([...filesIn(folder, '.events'), ...filesIn(folder, '.done')], []);
  });

  it('go where all is done, although what is done of another cannot be written down', async (t) => {
    const folder = makeFolder();
    const { keeper, told } = await openKeeper(t, folder);
    const kept: KeptBatch[] = [];
    for (let index = 0; index < 40; index += 1) {
      kept.push(await keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(1000))));
    }
    assert.ok(filesIn(folder, '.events').length > 4);
    // In the place of the first file's list.
    mkdirSync(join(folder, '0000000000000001.done'));
    for (const batch of kept.slice(1)) batch.forget();
    await eventually('end of all files but two', () => filesIn(folder, '.events').length === 2);
    await eventually('word of it', () => told.errors.length > 0);
    rmdirSync(join(folder, '0000000000000001.done'));
    await writeDown(keeper);
    assert.deepEqual(ids((await openKeeper(t, copyOf(folder))).left).slice(0, 1), ['batch 0']);
    await eventually('its list', () => filesIn(folder, '.done').length > 0);
  });

  it('that cannot be removed are tried again with the next, and not without end', async (t) => {
    const folder = makeFolder();
    const { keeper, told } = await openKeeper(t, folder);
    const kept: KeptBatch[] = [];
    for (let index = 0; index < 100; index += 1) {
      kept.push(await keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(1000))));
    }
    const inTheWay = filesIn(folder, '.events').slice(0, 6);
    for (const name of inTheWay) {
      rmSync(join(folder, name));
      mkdirSync(join(folder, name));
    }
    for (const batch of kept.slice(0, -1)) batch.forget();
    await eventually('word of it', () => told.errors.length > 0);
    const [first = ''] = inTheWay;
    rmdirSync(join(folder, first));
    writeFileSync(join(folder, first), '');
    await writeDown(keeper);
    await eventually('end of the first', () => !filesIn(folder, '.events').includes(first));
    await within(keeper.close(), 'end of its work');
    assert.equal(filesIn(folder, '.events').length, 6);
  });

  it('of which some records cannot be read any more keep nothing from being moved together', async (t) => {
    const folder = makeFolder();
    const { keeper, told } = await openKeeper(t, folder);
    const refused: KeptBatch[] = [];
    for (let index = 0; index < 400; index += 1) {
      const kept = await keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(1000)));
      if (index % 20 === 0) refused.push(kept);
      if (index === 0) {
        const path = join(folder, filesIn(folder, '.events')[0] ?? '');
        const bytes = readFileSync(path);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        writeFileSync(path, bytes, { flag: 'r+' });
      } else if (index % 20 !== 0) kept.forget();
    }
    await eventually('moving together', () => bytesIn(folder) < 2 * 20 * 1_300 + 6 * 11_300);
    assert.deepEqual(told.errors, []);
    await assert.rejects((refused[0] as KeptBatch).read(), BatchDamage);
    for (const kept of refused.slice(1)) assert.equal((await kept.read()).id, kept.id);
    for (const kept of refused) kept.forget();
    await writeDown(keeper);
    await eventually('its setting aside', () => filesIn(folder, '.damaged').length === 1);
  });

  it('say what is done, also where a part of that could be written only', async (t) => {
    const folder = makeFolder();
    const { keeper, told } = await openKeeper(t, folder);
    const kept: KeptBatch[] = [];
    for (let index = 0; index < 6; index += 1) kept.push(await keeper.keep(makeBatch(`batch ${index}`)));
    // As on a disk that becomes full in the middle of an entry.
    limitFiles(t, '12');
    for (const batch of kept.slice(0, 2)) batch.forget();
    await eventually('word of it', () => told.errors.length > 0);
    limitFiles(t, 'unlimited');
    for (const batch of kept.slice(3, 5)) batch.forget();
    await writeDown(keeper);
    const { left } = await openKeeper(t, copyOf(folder));
    assert.deepEqual(ids(left).slice(0, 2), ['batch 2', 'batch 5']);
  });

  it('that could not be written leave nothing behind, and the next write has a new one', async (t) => {
    const folder = makeFolder();
    const { keeper, told } = await openKeeper(t, folder);
    // As on a full disk: a part of it is written, or nothing.
    for (const fileBytesMax of [5_000, 20, 0]) {
      limitFiles(t, String(fileBytesMax));
      await assert.rejects(keeper.keep(makeBatch('lost', 'x'.repeat(10_000))));
      await eventually('end of its file', () => filesIn(folder, '.events').length === 0);
    }
    limitFiles(t, 'unlimited');
    await keeper.keep(makeBatch('kept'));
    assert.deepEqual(told.errors, []);
    assert.deepEqual(ids((await openKeeper(t, copyOf(folder))).left), ['kept']);
  });

  it('stay small where a few batches in each of many are never done', async (t) => {
    const folder = makeFolder();
    const { keeper, told } = await openKeeper(t, folder);
    const refused: KeptBatch[] = [];
    for (let index = 0; index < 400; index += 1) {
      const kept = await keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(1000)));
      if (index % 20 === 0) refused.push(kept);
      else kept.forget();
    }
    // Twenty batches of a kilobyte, in files that were written with four hundred.
    await eventually('moving together', () => bytesIn(folder) < 2 * 20 * 1_300 + 5 * 11_300);
    assert.deepEqual(told.errors, []);
    for (const kept of refused) assert.equal((await kept.read()).id, kept.id);
    const { left } = await openKeeper(t, copyOf(folder));
    assert.deepEqual(ids(left), ids(refused));
  });

  it('stay few where many writes fail and each leaves a file with a batch or two', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    const small: KeptBatch[] = [];
    limitFiles(t, '2000');
    for (let index = 0; index < 280; index += 1) {
      small.push(await keeper.keep(makeBatch(`batch ${index}`)));
      await assert.rejects(keeper.keep(makeBatch('too large', 'x'.repeat(3_000))));
    }
    limitFiles(t, 'unlimited');
    await writeDown(keeper);
    await eventually('moving together', () => filesIn(folder, '.events').length <= 257);
    assert.deepEqual(ids(await Promise.all(small.map((each) => each.read()))), ids(small));
    const { left } = await openKeeper(t, copyOf(folder));
    assert.deepEqual(ids(left.filter(({ id }) => id !== 'marker')), ids(small));
  });

  it("hold no SDK key and no event that could be read, and the key to them is their owner's", async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    const batch = makeBatch('private', '{"url":"https://x/secret-diskkey0123456789.json"}');
    await keeper.keep(batch);
    for (const text of ['secret-', 'diskkey', 'statsig-sdk-type', 'url'])
      assert.ok(!isReadable(folder, text), text);
    assert.equal(statSync(join(folder, 'key')).mode & 0o777, 0o600);
    const [events = ''] = filesIn(folder, '.events');
    assert.equal(statSync(join(folder, events)).mode & 0o777, 0o600);
  });

  it('are not touched while their key is missing, and are all there when it is back', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    await keeper.keep(makeBatch('one'));
    const copy = copyOf(folder);
    const key = readFileSync(join(copy, 'key'));
    rmSync(join(copy, 'key'));
    await assert.rejects(openKeeper(t, copy), /key in the folder of log events is missing: put it back/);
    assert.deepEqual([filesIn(copy, 'key'), filesIn(copy, '.damaged')], [[], []]);
    writeFileSync(join(copy, 'key'), key);
    assert.deepEqual(ids((await openKeeper(t, copy)).left), ['one']);
  });

  it('that are shorter than they were are damaged: what is gone can never be read', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    const kept = await keeper.keep(makeBatch('one'));
    truncateSync(join(folder, filesIn(folder, '.events')[0] ?? ''), 100);
    await assert.rejects(kept.read(), BatchDamage);
  });
});
