// Slices of JSON text: what stands between two places is the very value that JSON.parse gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elementsOf, membersOf, skipSpace } from '../../src/json/json-slices.js';

/** JSON of a value with white space wherever it may stand. */
function spaced(value: unknown, space: string): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => space + spaced(item, space) + space);
    return `[${items.length === 0 ? space : items.join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, item]) => `${space}${JSON.stringify(name)}${space}:${space}${spaced(item, space)}${space}`,
    );
    return `{${members.length === 0 ? space : members.join(',')}}`;
  }
  return JSON.stringify(value);
}

const SPACE = fc.constantFrom('', ' ', '\n\t ', '  \r\n');

test('elements of any array are found, whatever stands between them', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), SPACE, SPACE, (value, before, space) => {
      const json = before + spaced(value, space);
      const text = Buffer.from(json);
      const elements = elementsOf(text, skipSpace(text, 0), Infinity)?.elements ?? [];
      const parsed = elements.map(
        ({ from, to }) => JSON.parse(text.subarray(from, to).toString()) as unknown,
      );
      assert.deepEqual(parsed, JSON.parse(json));
    }),
  );
});

test('members of any object are found by name, unless a name has an escape in it', () => {
  const name = fc.string({ unit: 'binary-ascii' }).filter((text) => text !== '__proto__');
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), SPACE, (value, space) => {
      const json = spaced(value, space);
      const text = Buffer.from(json);
      const members = membersOf(text, 0);
      const hasEscapes = Object.keys(value).some((key) => JSON.stringify(key).includes('\\'));
      if (hasEscapes) {
        assert.equal(members, undefined);
        return;
      }
      assert.ok(members !== undefined);
      const entries = [...members].map(([key, { from, to }]) => [
        key,
        JSON.parse(text.subarray(from, to).toString()) as unknown,
      ]);
      assert.deepEqual(Object.fromEntries(entries), JSON.parse(json));
    }),
  );
});

test('an object that names a member twice is not taken apart', () => {
  assert.equal(membersOf(Buffer.from('{"a":1,"a":2}'), 0), undefined);
});
