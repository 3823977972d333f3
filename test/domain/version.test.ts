// Which version is newer, and when a client gets the whole spec or "no updates".
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasNewsFor as hasNewsAt, isNewer, VERSION_AHEAD_MS_MAX } from '../../src/domain/version.js';

const NOW_MS = 1_760_000_000_000;
const LATEST = NOW_MS + VERSION_AHEAD_MS_MAX;

function hasNewsFor(version: number, sinceTime: number): boolean {
  return hasNewsAt(version, sinceTime, NOW_MS);
}

test('a client that holds nothing always gets the spec', () => {
  assert.ok(hasNewsFor(1_750_000_000_000, 0));
  assert.ok(hasNewsFor(0, 0));
});

test('a client that holds an older version gets the spec', () => {
  assert.ok(hasNewsFor(1_750_000_000_000, 1_749_999_999_999));
});

test('a client that holds this version or a newer one has no updates', () => {
  assert.ok(!hasNewsFor(1_750_000_000_000, 1_750_000_000_000));
  assert.ok(!hasNewsFor(1_750_000_000_000, 1_750_000_000_001));
});

test('a spec whose time is 0 is news to everybody', () => {
  assert.ok(hasNewsFor(0, 5));
});

test('a client that names a version in the future is sent what is held, unless it is that', () => {
  for (const sinceTime of [LATEST + 1, 2 ** 53 - 1, 1e300]) {
    assert.ok(hasNewsFor(1_750_000_000_000, sinceTime));
    assert.ok(hasNewsFor(LATEST + 2, sinceTime));
  }
  assert.ok(!hasNewsFor(LATEST + 1, LATEST + 1));
  assert.ok(!hasNewsFor(1_750_000_000_000, LATEST));
});

test('a version in the future is news only to a client that holds nothing', () => {
  assert.ok(hasNewsFor(2 ** 53 - 1, 0));
  assert.ok(hasNewsFor(2 ** 53 - 1, -1));
  assert.ok(!hasNewsFor(2 ** 53 - 1, 1));
  assert.ok(!hasNewsFor(2 ** 53 - 1, LATEST));
});

test('up to a day from now the larger version is the newer one; beyond that every other is', () => {
  assert.ok(isNewer(LATEST, LATEST - 1, NOW_MS));
  assert.ok(!isNewer(LATEST + 1, LATEST, NOW_MS));
  assert.ok(isNewer(0, LATEST + 1, NOW_MS));
  assert.ok(isNewer(LATEST + 2, LATEST + 1, NOW_MS));
});

test('of any versions one is newest, whatever the order in which they come', () => {
  const version = fc.oneof(
    fc.maxSafeNat(),
    fc.integer({ min: LATEST - 3, max: LATEST + 3 }),
    fc.constantFrom(0, 2 ** 53 - 1),
  );
  const newest = (versions: readonly number[]): number =>
    versions.reduce((held, next) => (isNewer(next, held, NOW_MS) ? next : held));
  fc.assert(
    fc.property(fc.array(version, { minLength: 1, maxLength: 6 }), (versions) => {
      const sorted = [...versions].sort((left, right) => left - right);
      const right = sorted.filter((one) => one <= LATEST);
      const expected = right.at(-1) ?? sorted.at(-1);
      assert.equal(newest(versions), expected);
      assert.equal(newest([...versions].reverse()), expected);
    }),
  );
});
