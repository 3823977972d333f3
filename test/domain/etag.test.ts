// Entity tags: what If-None-Match may look like.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { matchesEtag, toEtag } from '../../src/domain/etag.js';

test('a tag is a strong validator in quotes, the same for the same bytes only', () => {
  const one = toEtag(createHash('sha256').update('one'));
  assert.match(one, /^"[A-Za-z0-9_-]{22}"$/);
  assert.equal(one, toEtag(createHash('sha256').update('o').update('ne')));
  assert.notEqual(one, toEtag(createHash('sha256').update('two')));
});

test('a tag is found alone, in a list, as a weak one, and by the star', () => {
  assert.ok(matchesEtag('"a"', '"a"'));
  assert.ok(matchesEtag('"b", "a"', '"a"'));
  assert.ok(matchesEtag('W/"a"', '"a"'));
  assert.ok(matchesEtag(' * ', '"a"'));
});

test('another tag, or one without quotes, does not match', () => {
  assert.ok(!matchesEtag('"b"', '"a"'));
  assert.ok(!matchesEtag('a', '"a"'));
  assert.ok(!matchesEtag('', '"a"'));
});
