// What counts as a difference between two answers, what is noted only, and what is a matter of time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Comparer } from '../../src/shadow/compare.js';
import { isNote } from '../../src/shadow/difference.js';
import type { Asked, Body } from '../../src/shadow/side.js';

const LATE_MS = 1_000;

function answer(body: Body, headers: Partial<Extract<Asked, { kind: 'answered' }>['headers']> = {}): Asked {
  const all = {
    contentType: 'application/json',
    contentEncoding: 'br',
    sinceTime: '5',
    deltasUsed: '',
    cacheHit: '',
  };
  return { kind: 'answered', status: 200, headers: { ...all, ...headers }, body, tookMs: 1 };
}

function spec(version: number | undefined, hash = 'aa', format: 'json' | 'protobuf' = 'json'): Body {
  return { kind: 'spec', format, version, hash, bytes: 3 };
}

function manifest(
  ...lists: readonly (readonly [name: string, fileId: string, bytes: number, url?: string])[]
): Body {
  return {
    kind: 'manifest',
    lists: lists.map(([listName, fileId, bytes, url = 'http://a/']) => ({ listName, fileId, bytes, url })),
  };
}

const REFUSED: Asked = {
  ...(answer({ kind: 'none', why: 'status_401' }) as Extract<Asked, { kind: 'answered' }>),
  status: 401,
};
const LOST: Asked = { kind: 'failed', reason: 'connection_refused', tookMs: 1 };

function kindsOf(base: Asked, against: Asked): string[] {
  return new Comparer(LATE_MS).compare(base, against, 0).differences.map(({ kind }) => kind);
}

test('each kind of difference is told from the others', () => {
  const good = answer(spec(5));
  assert.deepEqual(kindsOf(good, good), []);
  assert.deepEqual(kindsOf(good, LOST), ['unanswered']);
  assert.deepEqual(kindsOf(LOST, LOST), ['unanswered']);
  assert.deepEqual(kindsOf(good, REFUSED), ['status']);
  assert.deepEqual(kindsOf(good, answer({ kind: 'no_updates' })), ['body']);
  assert.deepEqual(kindsOf(good, answer({ kind: 'none', why: 'unsupported_encoding' })), ['body']);
  assert.deepEqual(kindsOf(good, answer(spec(5, 'aa', 'protobuf'))), ['format']);
  assert.deepEqual(kindsOf(good, answer(spec(5, 'bb'))), ['bytes']);
  assert.deepEqual(kindsOf(good, answer(spec(5), { contentType: 'text/plain' })), ['headers']);
  assert.deepEqual(kindsOf(good, answer(spec(5), { sinceTime: '' })), ['headers']);
  assert.deepEqual(kindsOf(good, answer(spec(5), { deltasUsed: 'true' })), ['headers']);
  assert.deepEqual(kindsOf(answer(spec(undefined)), answer(spec(undefined, 'bb'))), ['bytes']);
});

test('what SDKs do not notice is noted only', () => {
  const good = answer(spec(5));
  const noted = [
    ...kindsOf(good, answer(spec(5), { contentEncoding: 'gzip', cacheHit: 'true' })),
    ...kindsOf(REFUSED, REFUSED),
    ...kindsOf(answer(manifest(['a', 'f', 1, 'http://a/'])), answer(manifest(['a', 'f', 1, 'http://b/']))),
  ];
  assert.deepEqual(noted, ['encoding', 'cache_hit', 'both_refuse', 'url']);
  assert.ok(noted.every((kind) => isNote(kind as Parameters<typeof isNote>[0])));
});

test('a version that is behind is late, and a difference only once it is so for too long', () => {
  const comparer = new Comparer(LATE_MS);
  const [one, other] = [answer(spec(5)), answer(spec(6, 'bb'))];
  assert.deepEqual(comparer.compare(one, one, 0), { differences: [], late: undefined });
  assert.deepEqual(comparer.compare(one, other, 100), {
    differences: [],
    late: { behind: 'base', forMs: 0 },
  });
  assert.deepEqual(comparer.compare(one, other, 1_100).late, { behind: 'base', forMs: 1_000 });
  const { differences, late } = comparer.compare(one, other, 1_101);
  assert.equal(late, undefined);
  assert.deepEqual(differences, [{ kind: 'version', detail: 'base 5, against 6, base behind for 1 s' }]);
  assert.deepEqual(comparer.compare(other, other, 1_200), { differences: [], late: undefined });
  assert.deepEqual(comparer.compare(other, one, 1_300).late, { behind: 'against', forMs: 0 });
});

test('lists and their sizes have the same time to become equal; another file begins anew', () => {
  const comparer = new Comparer(LATE_MS);
  const [two, one] = [answer(manifest(['a', 'f', 9], ['b', 'g', 1])), answer(manifest(['a', 'f', 9]))];
  assert.deepEqual(comparer.compare(two, one, 0).late, { behind: 'against', forMs: 0 });
  assert.deepEqual(comparer.compare(one, one, 10).late, undefined);
  assert.deepEqual(comparer.compare(one, two, 20).late, { behind: 'base', forMs: 0 });
  assert.deepEqual(comparer.compare(one, two, 2_000).differences, [
    { kind: 'lists', detail: 'base lacks 1 files and has 0 more, base behind for 2 s' },
  ]);
  const grown = answer(manifest(['a', 'f', 12]));
  assert.deepEqual(comparer.compare(one, grown, 3_000).late, { behind: 'base', forMs: 0 });
  assert.deepEqual(comparer.compare(one, grown, 4_500).differences, [
    { kind: 'list_size', detail: 'base 9 bytes of a f, against 12 bytes, base behind for 2 s' },
  ]);
  const [renewed, longer] = [answer(manifest(['a', 'h', 1])), answer(manifest(['a', 'h', 2]))];
  assert.deepEqual(comparer.compare(renewed, longer, 5_000).late, { behind: 'base', forMs: 0 });
});
