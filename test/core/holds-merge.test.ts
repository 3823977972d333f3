// Holds from several replicas: whoever merges them last, in whatever order and how often, all come to the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeHolds, readHolds, ruleOf, type Hold } from '../../src/core/holds/hold.js';

const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;

const hold: fc.Arbitrary<Hold> = fc.record(
  {
    keyHash: fc.constantFrom('aa', 'bb'),
    api: fc.constantFrom('v1', 'v2'),
    format: fc.constant('json'),
    action: fc.constantFrom('freeze' as const, 'rollback' as const, 'guard' as const),
    version: fc.nat(9),
    bodyOf: fc.nat(9),
    reason: fc.string(),
    who: fc.string(),
    sinceMs: fc.constant(NOW_MS),
    untilMs: fc.integer({ min: NOW_MS - 10 * DAY_MS, max: NOW_MS + DAY_MS }),
    changedAtMs: fc.integer({ min: NOW_MS, max: NOW_MS + 3 }),
    raisedTo: fc.nat(12),
    waiting: fc.nat(9),
    loss: fc.string(),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      'keyHash',
      'api',
      'format',
      'action',
      'version',
      'bodyOf',
      'reason',
      'who',
      'sinceMs',
      'untilMs',
      'changedAtMs',
      'raisedTo',
    ],
  },
);

test('merging knows no order, no repetition, and keeps of each payload what was changed last', () => {
  const list = fc.array(hold, { maxLength: 8 });
  fc.assert(
    fc.property(list, list, list, (a, b, c) => {
      const merge = (...lists: (readonly Hold[])[]): readonly Hold[] =>
        lists.reduce((merged, each) => mergeHolds(merged, each, NOW_MS), []);
      const merged = merge(a, b, c);
      assert.deepEqual(merge(c, a, b, a, merged), merged);
      assert.deepEqual(readHolds(JSON.parse(JSON.stringify(merged))), merged);
      for (const each of [...a, ...b, ...c].filter(({ untilMs }) => untilMs + 8 * DAY_MS >= NOW_MS)) {
        const kept = merged.find(({ keyHash, api }) => keyHash === each.keyHash && api === each.api);
        assert.ok(kept !== undefined && kept.changedAtMs >= each.changedAtMs);
      }
    }),
  );
});

test('what is stored and is no hold is left out', () => {
  assert.deepEqual(readHolds(undefined), []);
  assert.deepEqual(readHolds({ a: 1 }), []);
  assert.deepEqual(readHolds([null, 1, {}, { ...sample(), version: -1 }, { ...sample(), action: 'x' }]), []);
  assert.deepEqual(readHolds([{ more: 1, ...sample() }]), [sample()]);
});

test('a freeze that is over means nothing, a rollback that its version is to be replaced', () => {
  const { untilMs } = sample();
  assert.deepEqual(ruleOf(sample(), untilMs - 1), { kind: 'held', version: 5 });
  assert.equal(ruleOf(sample(), untilMs), undefined);
  assert.deepEqual(ruleOf({ ...sample(), action: 'rollback' }, untilMs), { kind: 'returning', version: 5 });
});

function sample(): Hold {
  const of = { keyHash: 'aa', api: 'v2', format: 'json', action: 'freeze', version: 5, bodyOf: 5 } as const;
  const atMs = { sinceMs: NOW_MS, untilMs: NOW_MS + 1_000, changedAtMs: NOW_MS };
  return { ...of, reason: 'r', who: 'w', ...atMs, raisedTo: 0 };
}
