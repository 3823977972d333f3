// A table of what is remembered for a while: when it is full, the entry that was used longest ago leaves, and none outlives its time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExpiringMemory } from '../../src/core/expiring-memory.js';
import { ManualClock } from '../fakes/manual-clock.js';

const ENTRIES_MAX = 3;
const FOR_MS = 100;

test('it holds what a list of the same size holds from which the entry used longest ago is taken', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const step = fc.oneof(
    fc.record({ what: fc.constantFrom('remember' as const, 'recall' as const, 'forget' as const), id }),
    fc.record({ what: fc.constant('wait' as const), id, ms: fc.integer({ min: 1, max: FOR_MS }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new ManualClock();
      const memory = new ExpiringMemory<{ readonly at: number }>(clock, ENTRIES_MAX);
      /** The one used longest ago first. */
      let model: { id: string; at: number }[] = [];
      for (const each of steps) {
        const now = clock.monotonicMs();
        const known = model.find((entry) => entry.id === each.id);
        const others = model.filter((entry) => entry !== known);
        if (each.what === 'wait') clock.advance(each.ms);
        if (each.what === 'forget') {
          memory.forget(each.id);
          model = others;
        }
        if (each.what === 'remember') {
          memory.remember(each.id, { at: now }, FOR_MS);
          model = [...others, { id: each.id, at: now }].slice(-ENTRIES_MAX);
        }
        if (each.what === 'recall') {
          const isFresh = known !== undefined && known.at + FOR_MS > now;
          assert.equal(memory.recall(each.id)?.value.at, isFresh ? known.at : undefined);
          model = isFresh ? [...others, known] : others;
        }
        assert.equal(memory.entries, model.length);
      }
    }),
  );
});
