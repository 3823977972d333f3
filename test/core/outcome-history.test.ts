// Outcomes of polls for people: equal ones in a row are one entry, and a few entries of each payload are kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutcomeHistory, RUNS_MAX } from '../../src/core/outcome-history.js';
import type { PayloadKey } from '../../src/domain/payload-key.js';
import { SPEC_V1, SPEC_V2 } from '../../src/protocols/statsig/resource-kinds.js';

const KEY: PayloadKey = { sdkKey: 'secret-history-0123456789', kind: SPEC_V1, format: 'json' };

test('equal outcomes in a row are one entry, with when they began and how many they are', () => {
  const history = new OutcomeHistory();
  history.note(KEY, 'updated', undefined, 0);
  for (const atMs of [10, 20, 30]) history.note(KEY, 'unchanged', undefined, atMs);
  history.note(KEY, 'failed', 'status_500', 40);
  history.note(KEY, 'failed', 'timeout', 50);
  history.note(KEY, 'failed', 'timeout', 60);
  assert.deepEqual(
    history
      .of(KEY)
      .map(({ kind, reason, sinceMs, untilMs, count }) => [kind, reason, sinceMs, untilMs, count]),
    [
      ['updated', undefined, 0, 0, 1],
      ['unchanged', undefined, 10, 30, 3],
      ['failed', 'status_500', 40, 40, 1],
      ['failed', 'timeout', 50, 60, 2],
    ],
  );
  assert.deepEqual(history.of({ ...KEY, kind: SPEC_V2 }), []);
});

test('so many entries are kept, the newest, until the payload is forgotten', () => {
  const history = new OutcomeHistory();
  for (let atMs = 0; atMs < 50; atMs += 1)
    history.note(KEY, atMs % 2 === 0 ? 'updated' : 'unchanged', undefined, atMs);
  assert.equal(history.of(KEY).length, RUNS_MAX);
  assert.equal(history.of(KEY).at(-1)?.sinceMs, 49);
  history.forget(KEY);
  assert.deepEqual(history.of(KEY), []);
});

test('since when outcomes are of one kind is known after their reasons changed more often than is kept', () => {
  const history = new OutcomeHistory();
  assert.equal(history.lastOf(KEY), undefined);
  history.note(KEY, 'unchanged', undefined, 5);
  for (let atMs = 10; atMs < 50; atMs += 1) history.note(KEY, 'failed', `status_${atMs}`, atMs);
  const { kind, reason, sinceMs, kindSinceMs, untilMs } = history.lastOf(KEY) ?? assert.fail();
  assert.deepEqual([kind, reason, sinceMs, kindSinceMs, untilMs], ['failed', 'status_49', 49, 10, 49]);
  history.note(KEY, 'unchanged', undefined, 60);
  history.note(KEY, 'unchanged', undefined, 70);
  assert.equal(history.lastOf(KEY)?.kindSinceMs, 60);
});
