// Phases: fixed per instance and payload, spread over the interval.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { phaseMs } from '../../src/domain/phase.js';

test('the phase is the same after a restart, and another on another instance', () => {
  assert.equal(phaseMs('pod-a', 'v1/json/k', 10_000), phaseMs('pod-a', 'v1/json/k', 10_000));
  assert.notEqual(phaseMs('pod-a', 'v1/json/k', 10_000), phaseMs('pod-b', 'v1/json/k', 10_000));
});

test('a thousand payloads leave no tenth of the interval empty or crowded', () => {
  const tenths = new Array<number>(10).fill(0);
  for (let index = 0; index < 1_000; index += 1) {
    const tenth = Math.floor(phaseMs('pod-a', `v1/json/key-${index}`, 10_000) / 1_000);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // 100 expected in each; the hash is fixed, so this holds always or never.
  for (const count of tenths) assert.ok(count > 60 && count < 140, `unevenly spread: ${tenths.join(' ')}`);
});
