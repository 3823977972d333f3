// Files of log events that were cut or changed: no more is lost than what is damaged, and people can look at it.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KeptBatch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { makeHead } from '../../../../../src/protocols/statsig/log-events/disk/record.js';
import { copyOf, filesIn, ids, makeBatch, makeFolder, openKeeper, writeDown } from './folder.js';

describe('a file that is cut or changed', () => {
  it('loses nothing before the cut, wherever it is', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder, 1_000_000);
    const ends: number[] = [];
    const path = '0000000000000001.events';
    for (let index = 0; index < 6; index += 1) {
      await keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(index * 40)));
      ends.push(statSync(join(folder, path)).size);
    }
    const wholeBytes = ends.at(-1) ?? 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: wholeBytes }), async (bytes) => {
        const copy = copyOf(folder);
        truncateSync(join(copy, path), bytes);
        const { left, keeper: next, told } = await openKeeper(t, copy);
        const whole = ends.filter((end) => end <= bytes).length;
        assert.deepEqual(
          ids(left),
          ['batch 0', 'batch 1', 'batch 2', 'batch 3', 'batch 4', 'batch 5'].slice(0, whole),
        );
        const isTorn = bytes > 8 && !ends.includes(bytes);
        assert.equal(told.damaged.length, isTorn ? 1 : 0);
        // What is kept from now on is found again as well.
        await next.keep(makeBatch('new'));
        const again = await openKeeper(t, copyOf(copy));
        assert.deepEqual(ids(again.left).slice(-1), ['new']);
        assert.equal(again.left.length, whole + 1);
        await next.close();
      }),
      { numRuns: 60 },
    );
  });

  it('loses the record that was changed, no other, and stays for people to look at', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    for (const name of ['one', 'two', 'three']) await keeper.keep(makeBatch(name));
    const copy = copyOf(folder);
    const path = join(copy, filesIn(copy, '.events')[0] ?? '');
    const bytes = readFileSync(path);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { left, told, keeper: next } = await openKeeper(t, copy);
    assert.deepEqual(ids(left), ['one', 'three']);
    assert.deepEqual(told.damaged[0]?.slice(1), [1, 0]);
    for (const kept of left) kept.forget();
    await next.close();
    assert.equal(filesIn(copy, '.damaged').length, 1);
  });

  it('loses one record at most, whichever byte of any of them was changed, and none that is done comes again', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder, 1_000_000);
    const kept: KeptBatch[] = [];
    for (const name of ['one', 'two', 'three', 'four', 'five']) kept.push(await keeper.keep(makeBatch(name)));
    for (const index of [1, 3]) kept[index]?.forget();
    await writeDown(keeper);
    const path = filesIn(folder, '.events')[0] ?? '';
    const { length } = readFileSync(join(folder, path));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 8, max: length - 1 }), async (at) => {
        const copy = copyOf(folder);
        const bytes = readFileSync(join(copy, path));
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(join(copy, path), bytes);
        const { left, keeper: next } = await openKeeper(t, copy);
        const wanted = ['one', 'three', 'five'];
        const found = ids(left).filter((id) => id !== 'marker');
        assert.ok(found.length >= wanted.length - 1, found.join());
        assert.deepEqual(
          found,
          wanted.filter((id) => found.includes(id)),
        );
        await next.close();
      }),
      { numRuns: 60 },
    );
  });

  it('whose records cannot be found stays for people to look at, and is told', async (t) => {
    for (const head of [Buffer.from('SFPEVT99'), Buffer.alloc(8)]) {
      const folder = makeFolder();
      const { keeper } = await openKeeper(t, folder);
      await keeper.keep(makeBatch('one'));
      const copy = copyOf(folder);
      const [name = ''] = filesIn(copy, '.events');
      const bytes = readFileSync(join(copy, name));
      writeFileSync(join(copy, name), Buffer.concat([head, bytes.subarray(head.length)]));
      const { left, told } = await openKeeper(t, copy);
      assert.deepEqual(left, []);
      assert.deepEqual(told.damaged, [[name, 0, bytes.length]]);
      const [damaged = ''] = filesIn(copy, '.damaged');
      assert.deepEqual(readFileSync(join(copy, damaged)).subarray(8), bytes.subarray(8));
    }
  });

  it('with a record too short for a seal loses that record alone', async (t) => {
    const folder = makeFolder();
    const { keeper } = await openKeeper(t, folder);
    await keeper.keep(makeBatch('one'));
    const [name = ''] = filesIn(folder, '.events');
    const short = [0, 1, 12, 27].map((bytes) => Buffer.concat([makeHead(bytes), Buffer.alloc(bytes)]));
    appendFileSync(join(folder, name), Buffer.concat(short));
    const { left, told } = await openKeeper(t, copyOf(folder));
    assert.deepEqual(ids(left), ['one']);
    assert.deepEqual(told.damaged, [[name, 4, 0]]);
  });

  it('is not taken for one of ours whatever stands in it', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (noise, hasHead) => {
        const folder = makeFolder();
        writeFileSync(join(folder, 'key'), Buffer.alloc(32));
        const head = Buffer.from(hasHead ? 'SFPEVT02' : '');
        writeFileSync(join(folder, '0000000000000001.events'), Buffer.concat([head, noise]));
        writeFileSync(join(folder, '0000000000000001.done'), noise);
        const { left, keeper } = await openKeeper(t, folder);
        assert.deepEqual(left, []);
        await keeper.close();
      }),
      { numRuns: 50 },
    );
  });
});
