// Requests turned into questions: every way to name a key, and every way to get it wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isValidSdkKey } from '../../../../src/domain/sdk-key.js';
import { toQuestion, type SpecRequest } from '../../../../src/protocols/statsig/http/request-key.js';
import { SPEC_V1 } from '../../../../src/protocols/statsig/resource-kinds.js';

const ASKED: SpecRequest = {
  kind: SPEC_V1,
  pathKey: 'secret-abc.json',
  headerKey: undefined,
  queryKey: undefined,
  queryProto: undefined,
  queryDeltas: undefined,
  queryChecksum: undefined,
  headerProto: undefined,
  sinceTime: undefined,
};

function reasonOf(changes: Partial<SpecRequest>): string {
  const question = toQuestion({ ...ASKED, ...changes });
  return 'code' in question ? `${question.code} ${question.reason}` : 'none';
}

function questionOf(changes: Partial<SpecRequest>): { sdkKey: string; format: string; sinceTime: number } {
  const question = toQuestion({ ...ASKED, ...changes });
  if ('code' in question) throw new Error(question.message);
  return { sdkKey: question.key.sdkKey, format: question.key.format, sinceTime: question.sinceTime };
}

test('the key is the last path segment without .json or .js', () => {
  for (const pathKey of ['secret-abc', 'secret-abc.json', 'secret-abc.js']) {
    assert.equal(questionOf({ pathKey }).sdkKey, 'secret-abc');
  }
});

test('the header wins over the path, unless it is empty', () => {
  assert.equal(questionOf({ headerKey: 'secret-header' }).sdkKey, 'secret-header');
  assert.equal(questionOf({ headerKey: '' }).sdkKey, 'secret-abc');
  assert.equal(questionOf({ headerKey: 'secret-header', pathKey: undefined }).sdkKey, 'secret-header');
});

test('the key of the query counts where there is no other', () => {
  const queryKey = 'client-query';
  assert.equal(questionOf({ queryKey }).sdkKey, 'secret-abc');
  assert.equal(questionOf({ queryKey, headerKey: 'secret-header' }).sdkKey, 'secret-header');
  assert.equal(questionOf({ queryKey, pathKey: undefined }).sdkKey, 'client-query');
  assert.equal(questionOf({ queryKey, headerKey: '', pathKey: '.json' }).sdkKey, 'client-query');
  assert.equal(reasonOf({ queryKey: 'a/b', pathKey: undefined }), '400 sdk_key_invalid');
});

test('no key at all is told apart from a bad one', () => {
  assert.equal(reasonOf({ pathKey: undefined }), '400 sdk_key_missing');
  assert.equal(reasonOf({ pathKey: '.json' }), '400 sdk_key_missing');
  assert.equal(reasonOf({ pathKey: '../../etc/passwd' }), '400 sdk_key_invalid');
  assert.equal(reasonOf({ headerKey: 'secret abc' }), '400 sdk_key_invalid');
  assert.equal(reasonOf({ pathKey: `${'a'.repeat(257)}.json` }), '400 sdk_key_invalid');
});

test('whatever is sent as a key, only a valid one gets on', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(
      fc.option(anyText, { nil: undefined }),
      fc.option(anyText, { nil: undefined }),
      fc.option(anyText, { nil: undefined }),
      (pathKey, headerKey, queryKey) => {
        const question = toQuestion({ ...ASKED, pathKey, headerKey, queryKey });
        if ('code' in question) assert.equal(question.code, 400);
        else assert.ok(isValidSdkKey(question.key.sdkKey));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('protobuf is asked for by query or by header, as true or 1', () => {
  assert.equal(questionOf({}).format, 'json');
  for (const value of ['true', '1']) {
    assert.equal(questionOf({ queryProto: value }).format, 'protobuf');
    assert.equal(questionOf({ headerProto: value }).format, 'protobuf');
  }
  for (const value of ['false', '0', '', 'yes'])
    assert.equal(questionOf({ queryProto: value }).format, 'json');
});

test('sinceTime is a number in any of the forms languages write one', () => {
  for (const [sent, expected] of [
    [undefined, 0],
    [null, 0],
    [0, 0],
    ['0', 0],
    ['1800000000000', 1_800_000_000_000],
    [1_800_000_000_000, 1_800_000_000_000],
    ['1800000000000.0', 1_800_000_000_000],
    ['1.8e12', 1_800_000_000_000],
    ['-1', -1],
  ] as const) {
    assert.equal(questionOf({ sinceTime: sent }).sinceTime, expected);
  }
});

test('a sinceTime that is no number counts as none, and is told', () => {
  for (const sent of ['', ' ', 'now', '1e', '0x10', '1 2', ['1', '2'], {}, true, '1'.repeat(40), NaN]) {
    const question = toQuestion({ ...ASKED, sinceTime: sent });
    if ('code' in question) assert.fail(question.message);
    assert.deepEqual([question.sinceTime, question.isSinceTimeIgnored], [0, true]);
  }
  for (const sent of [undefined, null, 0, '5', '-1', 1.5]) {
    const question = toQuestion({ ...ASKED, sinceTime: sent });
    assert.equal('code' in question || question.isSinceTimeIgnored, false, String(sent));
  }
});

test('whatever is sent as sinceTime, the question has a number', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), (sent) => {
      const question = toQuestion({ ...ASKED, sinceTime: sent });
      assert.ok(!('code' in question) && Number.isFinite(question.sinceTime));
    }),
  );
});

test('deltas are accepted with true, 1, or the bare name', () => {
  const acceptsDelta = (queryDeltas: unknown): boolean => {
    const question = toQuestion({ ...ASKED, queryDeltas });
    return 'code' in question ? assert.fail(question.message) : question.acceptsDelta;
  };
  for (const value of ['true', '1', '']) assert.equal(acceptsDelta(value), true, value);
  for (const value of [undefined, 'false', '0', 'yes', ['true', 'true']])
    assert.equal(acceptsDelta(value), false, String(value));
});
