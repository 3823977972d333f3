// Readings that nobody goes through, as for answers without a body: what they hold open is closed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyName, grow, readAll } from '../../contracts/copy-bytes.js';
import { eventually } from '../../e2e/deadline.js';
import { TroubledFiles } from '../../fakes/troubled-files.js';
import { CopiesFolder } from './copies-folder.js';

const BYTES = 1000;

test('a reading that is returned before it began holds no file open', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const copy = await place.create(copyName('one'));
  await grow(copy, 1, BYTES);
  const held = troubled.openHandles;
  for (let question = 0; question < 100; question += 1) {
    const pieces = copy.read(0, BYTES)[Symbol.asyncIterator]();
    await pieces.return?.();
    assert.deepEqual(await pieces.next(), { done: true, value: undefined });
  }
  // Files are opened one after another.
  assert.equal((await readAll(copy)).length, BYTES);
  assert.equal(troubled.openHandles, held);
});

test('a reading that nobody begins holds its file open for ten seconds', async (t) => {
  const folder = new CopiesFolder(t);
  const troubled = new TroubledFiles();
  const { place } = await folder.open(troubled.files);
  const copy = await place.create(copyName('one'));
  await grow(copy, 1, BYTES);
  const held = troubled.openHandles;
  copy.read(0, BYTES);
  await eventually('open file', () => troubled.openHandles === held + 1);
  folder.clock.advance(10_000);
  await eventually('closed file', () => troubled.openHandles === held);
});
