// Batches on disk: what was kept is there after a kill at any moment, in its order, and what is done is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeptBatch } from '../../../../../src/protocols/statsig/log-events/batch.js';
import { within } from '../../../../e2e/deadline.js';
import { copyOf, ids, makeBatch, makeFolder, openKeeper, writeDown } from './folder.js';

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
    await within(keeper.keep(makeBatch('another')), `keeping after ${turns} turns`);
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
