// Batches on disk: what was kept is there after a kill at any moment, in its order, and what is done is not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { BatchDamage, type KeptBatch } from '../../../src/log-events/batch.js';
import type { DiskKeeper } from '../../../src/log-events/disk/disk-keeper.js';
import { eventually, within } from '../../e2e/deadline.js';
import { settle } from '../../fakes/manual-clock.js';
import { bytesIn, copyOf, filesIn, isReadable, makeBatch, makeFolder, openKeeper } from './folder.js';

function ids(batches: readonly { readonly id: string }[]): readonly string[] {
  return batches.map(({ id }) => id);
}

test('what was kept is there after a kill, whole and in its order', async (t) => {
  const folder = makeFolder();
  const { keeper } = await openKeeper(t, folder);
  const wanted = Array.from({ length: 50 }, (_none, index) => makeBatch(`batch ${index}`));
  await Promise.all(wanted.map((batch) => keeper.keep(batch)));
  const { left, told } = await openKeeper(t, copyOf(folder));
  assert.deepEqual(told, { damaged: [], errors: [] });
  for (const [index, kept] of left.entries()) {
    const { sequence, ...batch } = (await kept.read()) as unknown as { sequence: number };
    assert.equal(sequence, index + 1);
    assert.deepEqual(batch, wanted[index]);
    // Headers and query beside the body.
    assert.equal(kept.bytes, (wanted[index]?.body.length ?? 0) + 12 + 16 + 16 + 4 + 8);
  }
  assert.equal(left.length, wanted.length);
});

test('a body of any size comes back as it was', async (t) => {
  const { keeper } = await openKeeper(t, makeFolder());
  for (const bytes of [0, 1, 1024 * 1024, 1024 * 1024 + 1, 20 * 1024 * 1024]) {
    const batch = makeBatch(`of ${bytes} bytes`, 'x'.repeat(bytes));
    const kept = await keeper.keep(batch);
    assert.ok(Buffer.from(batch.body).equals((await kept.read()).body));
    kept.forget();
  }
});

test('thousands of batches at once are kept by a few writes', async (t) => {
  const folder = makeFolder();
  const { keeper } = await openKeeper(t, folder, 100_000_000);
  const batches = Array.from({ length: 3000 }, (_none, index) => makeBatch(`batch ${index}`));
  await Promise.all(batches.map((batch) => keeper.keep(batch)));
  const { left } = await openKeeper(t, copyOf(folder), 100_000_000);
  assert.deepEqual(ids(left), ids(batches));
});

test('whoever comes in the moment in which a write ends is served by the next', async (t) => {
  const { keeper } = await openKeeper(t, makeFolder());
  for (let turns = 0; turns < 10; turns += 1) {
    await keeper.keep(makeBatch('one'));
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await within(keeper.keep(makeBatch('another')), `keeping after ${turns} turns`, 5_000);
  }
});

test('whatever is kept and forgotten, after a kill exactly the rest is there, also after several', async (t) => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('keep' as const), bytes: fc.nat(3000) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('forget' as const), which: fc.nat(1000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      let folder = makeFolder();
      let opened = await openKeeper(t, folder);
      let kept: KeptBatch[] = [];
      const kill = async (): Promise<void> => {
        await writeDown(opened.keeper);
        folder = copyOf(folder);
        await opened.keeper.close();
        opened = await openKeeper(t, folder);
        assert.deepEqual(opened.told, { damaged: [], errors: [] });
        const [markers, others] = [true, false].map((isMarker) =>
          opened.left.filter(({ id }) => (id === 'marker') === isMarker),
        );
        for (const marker of markers ?? []) marker.forget();
        assert.deepEqual(ids(others ?? []), ids(kept));
        kept = [...(others ?? [])];
      };
      for (const [index, each] of steps.entries()) {
        if (each.kind === 'keep') {
          kept.push(await opened.keeper.keep(makeBatch(`batch ${index}`, 'x'.repeat(each.bytes))));
        } else if (each.kind === 'kill') await kill();
        else kept.splice(each.which % Math.max(1, kept.length), 1)[0]?.forget();
      }
      await kill();
      await opened.keeper.close();
    }),
    { numRuns: 30 },
  );
});

/** Resolves once what was forgotten is written down: that is done between two writes of batches. */
async function writeDown(keeper: DiskKeeper): Promise<void> {
  for (let write = 0; write < 2; write += 1) (await keeper.keep(makeBatch('marker'))).forget();
}

test('many small batches are written in groups, and the event loop has its turn in between', async (t) => {
  const { keeper } = await openKeeper(t, makeFolder(), 100_000_000);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const turnsOf: number[] = [];
  const batches = Array.from({ length: 1024 }, (_none, index) => makeBatch(`batch ${index}`));
  await Promise.all(batches.map(async (batch) => turnsOf.push(await keeper.keep(batch).then(() => turns))));
  clearImmediate(next);
  // The four groups are answered in different turns, each after four turns of its own at least.
  const answered = [...new Set(turnsOf)];
  assert.ok(answered.length >= 4, `answered in turns ${answered.join(', ')}`);
  assert.ok(turns >= 16);
});

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
        const isTorn = bytes > 40 && !ends.includes(bytes);
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
      fc.asyncProperty(fc.integer({ min: 40, max: length - 1 }), async (at) => {
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

  it('is not taken for one of ours whatever stands in it', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (noise, hasHead) => {
        const folder = makeFolder();
        writeFileSync(join(folder, 'key'), Buffer.alloc(32));
        const head = hasHead ? Buffer.concat([Buffer.from('SFPEVT01'), Buffer.alloc(32)]) : Buffer.alloc(0);
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

/** The largest file that this process may write from now on, in bytes. */
function limitFiles(t: TestContext, bytesMax: string): void {
  const set = (value: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${value}:`]);
  };
  t.after(() => {
    set('unlimited');
  });
  set(bytesMax);
}

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

  it('that cannot be made, or holds a key that is none, is not used', async (t) => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(openKeeper(t, join(folder, 'file')), { code: 'EEXIST' });
    writeFileSync(join(folder, 'key'), 'short');
    await assert.rejects(openKeeper(t, folder), /is no key: it has 5 bytes/);
  });
});
