// Ids of files: what is written into urls is read again, and nothing else is an id.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  readFileId,
  withoutPromise,
  writeFileId,
} from '../../../../src/protocols/statsig/id-lists/file-id.js';

test('ids are read as they were written, and nothing else is one', () => {
  const hash = (length: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_'), minLength: length, maxLength: length });
  fc.assert(
    fc.property(hash(16), hash(43), fc.maxSafeNat(), (keyHash, name, bytes) => {
      const id = { keyHash, name, bytes };
      assert.deepEqual(readFileId(writeFileId(id)), id);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const id = readFileId(text);
      if (id !== undefined) assert.equal(writeFileId(id), text);
    }),
  );
  assert.equal(
    readFileId(`${'a'.repeat(16)}.${'b'.repeat(43)}.9999999999999999`),
    undefined,
    'no safe number',
  );
});

test('a path is the same without the size that is promised in it, and any other as it is', () => {
  const file = { keyHash: 'k'.repeat(16), name: 'n'.repeat(43) };
  const paths = [20, 30].map((bytes) => withoutPromise(`/v1/files/${writeFileId({ ...file, bytes })}`));
  assert.deepEqual(paths, Array(2).fill(`/v1/files/${file.keyHash}.${file.name}`));
  for (const path of ['/', '', '/v1/files/a.b.20', `/${writeFileId({ ...file, bytes: 1 })}/more`]) {
    assert.equal(withoutPromise(path), path);
  }
});
