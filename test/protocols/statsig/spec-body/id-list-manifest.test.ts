// Manifests of ID lists: what is read of them, what changes when they are rewritten, and what is not a manifest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  readManifest,
  rewriteManifest,
} from '../../../../src/protocols/statsig/spec-body/id-list-manifest.js';
import {
  ManifestReader,
  MANIFEST_BYTES_MAX,
} from '../../../../src/protocols/statsig/spec-body/manifest-reader.js';
import { BodyFault } from '../../../../src/domain/body-reader.js';

function faultOf(text: string | Buffer): string | undefined {
  const reader = new ManifestReader();
  try {
    reader.push(Buffer.from(text));
    reader.end();
    return undefined;
  } catch (error) {
    if (error instanceof BodyFault) return error.reason;
    throw error;
  }
}

const LIST = '{"name":"a","size":20,"url":"https://o/f","creationTime":1,"fileID":"f1"}';

test('what an origin sends is read, in any spelling', () => {
  const text = Buffer.from(` {"a b\\u00e9" : ${LIST} ,"__proto__":{"url":"x","size":0}} `);
  const [first, second, ...rest] = readManifest(text);
  assert.equal(first?.listName, 'a bé');
  assert.deepEqual([first.url, first.fileId, first.bytes], ['https://o/f', 'f1', 20]);
  assert.deepEqual([second?.listName, second?.url, second?.fileId, second?.bytes], ['__proto__', 'x', '', 0]);
  assert.equal(rest.length, 0);
});

test('no lists at all are a manifest', () => {
  assert.equal(faultOf('{}'), undefined);
  assert.deepEqual(readManifest(Buffer.from(' { } ')), []);
});

test('a file without an id may say so, as core SDKs have it', () => {
  const [file] = readManifest(Buffer.from('{"a":{"url":"x","size":1,"fileID":null}}'));
  assert.equal(file?.fileId, '');
});

test('what a list says is what JSON.parse finds, however its members are written and repeated', () => {
  const names = [
    'url',
    'size',
    'fileID',
    '\\u0075rl',
    'size\\u0000',
    '\\u0066\\u0069\\u006c\\u0065\\u0049\\u0044',
    'é',
  ];
  const values = ['"https://o/f"', '"\\u0066é"', '7', '7.5', '1e3', 'null', '{"url":"y"}', '["url","size"]'];
  const member = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values));
  fc.assert(
    fc.property(fc.array(member, { maxLength: 4 }), (members) => {
      const more = members.map(([name, value]) => `,"${name}" : ${value} `);
      const list = `{"url":"https://o/1","size":1${more.join('')}}`;
      const { url, size, fileID } = JSON.parse(list) as Record<string, unknown>;
      const isList =
        typeof url === 'string' && Number.isSafeInteger(size) && typeof (fileID ?? '') === 'string';
      const text = `{"a":${list}}`;
      assert.equal(faultOf(text), isList ? undefined : 'no_id_lists');
      if (!isList) return;
      const [file] = readManifest(Buffer.from(text));
      assert.deepEqual([file?.url, file?.bytes, file?.fileId], [url, size, fileID ?? '']);
    }),
  );
});

test('what is no manifest is refused, however it looks', () => {
  const noLists = [
    '{"error":"try later"}',
    '{"error":{"code":500}}',
    '{"a":null}',
    '{"a":[]}',
    '{"success":false}',
    '{"a":{"size":1}}',
    '{"a":{"url":"","size":1}}',
    '{"a":{"url":7,"size":1}}',
    '{"a":{"url":"https://o/f"}}',
    '{"a":{"url":"https://o/f","size":"20"}}',
    '{"a":{"url":"https://o/f","size":-1}}',
    '{"a":{"url":"https://o/f","size":1.5}}',
    '{"a":{"url":"https://o/f","size":1,"fileID":3}}',
    `{"good":${LIST},"bad":{}}`,
  ];
  for (const text of noLists) assert.equal(faultOf(text), 'no_id_lists', text);
  for (const text of ['[]', '"x"', '<html>', `{"a":${LIST}`]) {
    assert.ok(['not_json', 'truncated'].includes(faultOf(text) ?? ''), text);
  }
  assert.equal(faultOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 'not_utf8');
  assert.equal(faultOf(' '.repeat(MANIFEST_BYTES_MAX + 1)), 'decoded_body_too_large');
});

test('whatever lists are called and hold, a rewritten manifest differs in what was to change, and in nothing else', () => {
  const list = fc.record(
    {
      url: fc.string({ minLength: 1 }),
      size: fc.nat(),
      fileID: fc.string(),
      name: fc.string(),
      more: fc.jsonValue(),
    },
    { requiredKeys: ['url', 'size'] },
  );
  const lists = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__'), fc.constant('12')), list);
  fc.assert(
    fc.property(lists, fc.constantFrom(0, 1, '\t'), fc.nat(), (before, space, changed) => {
      const text = Buffer.from(JSON.stringify(before, null, space));
      assert.equal(faultOf(text), undefined);
      const names = Object.keys(before);
      const found = readManifest(text).map(({ listName, url, bytes }) => [listName, url, bytes]);
      assert.deepEqual(
        found,
        Object.entries(before).map(([name, { url, size }]) => [name, url, size]),
      );
      const changes = names.slice(0, changed % (names.length + 1)).map((name, index) => {
        return [name, { url: `https://p/${index}`, size: index }] as const;
      });
      const after = rewriteManifest(text, new Map(changes));
      assert.equal(faultOf(after), undefined);
      const expected = Object.entries(before).map(([name, each], index) => {
        return [name, index < changes.length ? { ...each, ...changes[index]?.[1] } : each];
      });
      assert.equal(after.toString(), JSON.stringify(Object.fromEntries(expected)));
    }),
  );
});

test('the sizes, times and ids that origins send are the same numbers and strings after a rewrite', () => {
  const sizes = [0, 1, 4_294_967_296, 2 ** 53 - 1, 1_700_000_000_000];
  for (const size of sizes) {
    const text = Buffer.from(
      `{"a":{"name":"a","size":${size},"url":"https://o/f","creationTime":${size},"fileID":"${size}000"}}`,
    );
    const changes = new Map([['a', { url: 'https://o/f', size }]]);
    assert.ok(rewriteManifest(text, changes).equals(text), text.toString());
  }
});

test('the deepest nesting that is read can be written again', () => {
  const nested = '['.repeat(500) + ']'.repeat(500);
  const text = Buffer.from(`{"a":{"url":"https://o/f","size":1,"more":${nested}}}`);
  assert.equal(faultOf(text), undefined);
  assert.ok(rewriteManifest(text, new Map()).equals(text));
  assert.equal(faultOf(`{"a":{"url":"x","size":1,"more":${'['.repeat(600)}`), 'not_json');
});

test('a body in pieces is the same as in one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(LIST.length + 8), { maxLength: 5 }), (cuts) => {
      const text = Buffer.from(`{"é":${LIST}}`);
      const reader = new ManifestReader();
      let done = 0;
      for (const cut of [...cuts, text.length].sort((left, right) => left - right)) {
        // Given in a buffer that is used again, as decoders do.
        const piece = Buffer.from(text.subarray(done, cut));
        reader.push(piece);
        piece.fill(0);
        done = Math.max(done, cut);
      }
      reader.end();
      assert.deepEqual(reader.bytes, text);
    }),
  );
});
