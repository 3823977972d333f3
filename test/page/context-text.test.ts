// How the page reads a context that was typed: lines and JSON, what is a text, and what is wrong in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readContext } from '../../src/page/context-text.js';

function contextOf(text: string): unknown {
  const read = readContext(text);
  return read.kind === 'context' ? { ...read.context } : assert.fail(read.message);
}

function faultIn(text: string): string {
  const read = readContext(text);
  return read.kind === 'fault' ? read.message : assert.fail(JSON.stringify(read.context));
}

test('a line is a property, whose value is a text unless JSON has it as something else', () => {
  assert.deepEqual(contextOf(''), {});
  assert.deepEqual(
    contextOf(
      'plan: pro\r\n\n age:18\nis beta : true\nnone: null\nversion: "18"\nat: 12:30\nempty:\nid: 007',
    ),
    { plan: 'pro', age: 18, 'is beta': true, none: null, version: '18', at: '12:30', empty: '', id: '007' },
  );
  assert.deepEqual(contextOf('id: 9007199254740993\nhuge: 1e400'), { id: '9007199254740993', huge: '1e400' });
});

test('an object of JSON is taken as it is, and a line with any of its values is the same', () => {
  const value = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.double({ noDefaultInfinity: true, noNaN: true, max: 1e9, min: -1e9 }).filter((x) => !Object.is(x, -0)),
  );
  const name = fc.oneof(fc.stringMatching(/^[\w.-]{1,10}$/), fc.constantFrom('__proto__', 'constructor'));
  const property = fc.property(fc.dictionary(name, value), (context) => {
    const wanted = Object.entries(context);
    const entries = (text: string): unknown => Object.entries(contextOf(text) as object);
    assert.deepEqual(entries(`\n ${JSON.stringify(context, null, 2)}`), wanted);
    const lines = wanted.map(([key, each]) => `${key}: ${JSON.stringify(each)}`);
    assert.deepEqual(entries(lines.join('\n')), wanted);
  });
  fc.assert(property, { seed: 19 });
});

test('what is no context is said in words', () => {
  assert.match(faultIn('{"plan": "pro"'), /^The context is not JSON: .+\.$/);
  assert.equal(
    faultIn('plan: pro\nfree'),
    'Line 2 of the context is not a property: write it as "name: value".',
  );
  assert.match(faultIn(': pro'), /^Line 1/);
  assert.equal(faultIn('plan: pro\nplan: free'), 'Line 2 of the context gives "plan" once more.');
  for (const text of ['{"plan": ["pro"]}', '{"plan": {}}', 'plan: ["pro"]', 'plan: {}', '{"plan": 1e400}']) {
    assert.equal(faultIn(text), '"plan" has to be a text, a number, true, false or null.', text);
  }
});

test('no text is too odd to be read', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `{${text}`),
      ),
      (text) => {
        readContext(text);
      },
    ),
    { seed: 19 },
  );
});
