// The table of sent exposures: bounded, forgetful of the oldest, and never sure of what it was not told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExposureTable } from '../../../../../src/protocols/statsig/log-events/inspection/exposure-table.js';

test('whatever is added, it stays within its bound, knows the latest half, and nothing it was not told', () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 400 }).map(String), fc.integer({ min: 0, max: 90_000 }));
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 300 }),
      fc.integer({ min: 2, max: 60 }),
      (steps, exposuresMax) => {
        let told = 0;
        const table = new ExposureTable(exposuresMax, (exposures) => (told += exposures));
        const added = new Set<string>();
        let nowMs = 0;
        for (const [fingerprint, passedMs] of steps) {
          nowMs += passedMs;
          table.add([fingerprint], nowMs);
          added.add(fingerprint);
          assert.ok(table.size <= exposuresMax);
          assert.ok(table.has(fingerprint));
        }
        for (let other = 0; other <= 400; other += 1) {
          if (table.has(String(other))) assert.ok(added.has(String(other)));
        }
        assert.ok(told + table.size >= added.size);
      },
    ),
  );
});

test('an exposure is forgotten after five to ten minutes', () => {
  const forgotten: number[] = [];
  const table = new ExposureTable(100, (exposures) => forgotten.push(exposures));
  table.add(['old'], 0);
  table.add(['a'], 299_999);
  assert.ok(table.has('old'));
  table.add(['b'], 300_000);
  assert.ok(table.has('old'));
  table.add(['c'], 600_000);
  assert.ok(!table.has('old'));
  assert.deepEqual(forgotten, [2]);
});
