// The comparison of two texts line by line: each of them can be read from it, and it shows no more than differs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lineDiff, type Line } from '../../src/page/line-diff.js';

const lines = fc.array(fc.constantFrom<string>('a', 'b', 'c', '', '  "x": 1,'), {
  minLength: 1,
  maxLength: 30,
});

function textOf(all: readonly Line[], ...kinds: readonly Line['kind'][]): string {
  return all
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ text }) => text)
    .join('\n');
}

test('both texts can be read from it', () => {
  fc.assert(
    fc.property(lines, lines, (from, to) => {
      const [before, after] = [from.join('\n'), to.join('\n')];
      const all = lineDiff(before, after);
      assert.equal(textOf(all, 'same', 'removed'), before);
      assert.equal(textOf(all, 'same', 'added'), after);
    }),
  );
});

test('a line put in anywhere is the only one that is shown as added', () => {
  fc.assert(
    fc.property(lines, fc.nat(), (from, place) => {
      const to = from.toSpliced(place % (from.length + 1), 0, 'new');
      const changed = lineDiff(from.join('\n'), to.join('\n')).filter(({ kind }) => kind !== 'same');
      assert.deepEqual(changed, [{ kind: 'added', text: 'new' }]);
    }),
  );
});

test('two long texts are shown whole, one after the other', () => {
  const [before, after] = ['x\n'.repeat(600), 'y\n'.repeat(600)];
  const all = lineDiff(before, after);
  assert.equal(all.length, 2 * 601);
  assert.equal(textOf(all, 'removed'), before);
  assert.equal(textOf(all, 'added'), after);
});
