// The chain of audit lines: whatever is done to lines that were written shows, and what was not touched is whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CHAIN_START,
  chainLine,
  readLine,
  verifyChain,
  type AuditEvent,
  type ChainEnd,
} from '../../../src/core/audit/audit-line.js';

const event: fc.Arbitrary<AuditEvent> = fc.record({
  action: fc.constantFrom('freeze' as const, 'version' as const),
  atMs: fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
  replica: fc.string(),
  who: fc.string(),
  address: fc.string(),
  keyHash: fc.string(),
  api: fc.constant('v2'),
  format: fc.constant('json'),
  old: fc.option(fc.nat(), { nil: null }),
  new: fc.option(fc.nat(), { nil: null }),
  reason: fc.string({ unit: 'binary' }),
});

function chain(events: readonly AuditEvent[]): { readonly lines: readonly string[]; readonly end: ChainEnd } {
  let end = CHAIN_START;
  const lines = events.map((each) => {
    const line = chainLine(end, each);
    end = line;
    return line.text;
  });
  return { lines, end };
}

const events = fc.array(event, { minLength: 3, maxLength: 12 });

test('lines as they were written are whole, also where the first of them have left by age', () => {
  fc.assert(
    fc.property(events, fc.nat(), (written, gone) => {
      const { lines, end } = chain(written);
      assert.ok(lines.every((line) => !line.includes('\n')));
      assert.deepEqual(verifyChain(lines.slice(gone % lines.length), end), []);
      const first = readLine(lines[0] ?? '');
      assert.deepEqual([first?.seq, first?.previous, first?.fields['reason']], [1, '', written[0]?.reason]);
    }),
  );
});

test('an edited, cut, moved or doubled line is found, wherever it is', () => {
  fc.assert(
    fc.property(events, fc.nat(), fc.nat(), fc.nat(127), (written, one, other, character) => {
      const { lines, end } = chain(written);
      const [at, to] = [one % lines.length, other % lines.length];
      const line = lines[at] ?? '';
      const place = other % line.length;
      const edited = line.slice(0, place) + String.fromCharCode(character) + line.slice(place + 1);
      if (edited !== line) assert.ok(verifyChain(lines.with(at, edited), end).length > 0, 'edited');
      // The first lines may leave by age.
      if (at > 0) assert.ok(verifyChain(lines.toSpliced(at, 1), end).length > 0, 'cut');
      assert.ok(verifyChain(lines.slice(0, at), end).length > 0, 'cut off at the end');
      if (at !== to) {
        const moved = lines.toSpliced(at, 1).toSpliced(to, 0, line);
        assert.ok(verifyChain(moved, end).length > 0, 'moved');
      }
      assert.ok(verifyChain(lines.toSpliced(at, 0, line), end).length > 0, 'doubled');
    }),
  );
});

test('faults name their lines', () => {
  const sample = fc.sample(event, { numRuns: 5, seed: 1 });
  const { lines, end } = chain(sample);
  const edited = (lines[1] ?? '').replace('"api":"v2"', '"api":"v1"');
  assert.deepEqual(verifyChain(lines.with(1, edited), end), [{ line: 2, what: 'edited' }]);
  assert.deepEqual(verifyChain(lines.toSpliced(2, 1), end), [{ line: 3, what: 'lines missing before it' }]);
  assert.deepEqual(verifyChain(lines.slice(0, 3), end), [{ line: 3, what: 'lines missing at the end' }]);
  const swapped = lines.with(1, lines[2] ?? '').with(2, lines[1] ?? '');
  assert.ok(verifyChain(swapped, end).some(({ what }) => what === 'out of order'));
  assert.deepEqual(verifyChain([], end), [{ line: 0, what: 'lines missing at the end' }]);
  assert.equal(readLine('x'.repeat(20_000)), undefined);
});
