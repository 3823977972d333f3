// When a client gets the whole spec, and when "no updates".
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNewsFor } from '../../src/domain/payload.js';

test('a client that holds nothing always gets the spec', () => {
  assert.ok(hasNewsFor(1_800_000_000_000, 0));
  assert.ok(hasNewsFor(0, 0));
});

test('a client that holds an older version gets the spec', () => {
  assert.ok(hasNewsFor(1_800_000_000_000, 1_799_999_999_999));
});

test('a client that holds this version or a newer one has no updates', () => {
  assert.ok(!hasNewsFor(1_800_000_000_000, 1_800_000_000_000));
  assert.ok(!hasNewsFor(1_800_000_000_000, 1_800_000_000_001));
});

test('a spec whose time is 0 is news to everybody', () => {
  assert.ok(hasNewsFor(0, 5));
});
