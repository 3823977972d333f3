// Counts per key: of idle keys only some are remembered, and no count looks through all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCounters } from '../../../../src/protocols/statsig/log-events/event-counters.js';

test('however many keys have batches waiting, one count looks at a hundred of them at most', () => {
  let looks = 0;
  const counters = new EventCounters(() => {
    looks += 1;
    return true;
  });
  for (let key = 0; key < 5000; key += 1) {
    looks = 0;
    counters.count(`secret-${key}`, 'accepted');
    assert.ok(looks <= 100);
  }
  assert.equal(counters.perKey.size, 5000);
  assert.equal(counters.total.accepted, 5000);
});

test('idle keys are forgotten, however many busy ones stand before them, and busy ones are not', () => {
  let isBusy = true;
  const counters = new EventCounters((sdkKey) => isBusy && sdkKey.startsWith('busy'));
  for (let key = 0; key < 1500; key += 1) counters.count(`busy-${key}`, 'accepted');
  for (let key = 0; key < 5000; key += 1) counters.count(`idle-${key}`, 'accepted');
  const keys = [...counters.perKey.keys()];
  assert.equal(keys.filter((sdkKey) => sdkKey.startsWith('busy')).length, 1500);
  assert.ok(keys.length <= 1500 + 1000, `${keys.length} keys`);
  isBusy = false;
  for (let key = 0; key < 100; key += 1) counters.count(`later-${key}`, 'accepted');
  assert.ok(counters.perKey.size <= 1000, `${counters.perKey.size} keys`);
});
