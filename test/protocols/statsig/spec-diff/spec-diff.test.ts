// The difference of two specs: the same in every format, with rules before and after, and never larger than its bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { demoEnvelopes, demoV1, demoV2, type DemoProject } from '../../../../scripts/demo-specs.js';
import { readJsonItems } from '../../../../src/protocols/statsig/spec-diff/json-items.js';
import {
  DETAIL_CHARACTERS_MAX,
  DETAILS_MAX,
  diffSpecs,
  NAMES_MAX,
  type SpecDiff,
} from '../../../../src/protocols/statsig/spec-diff/spec-diff.js';
import { readSpecItems } from '../../../../src/protocols/statsig/spec-diff/spec-items.js';
import { message, delimited } from '../../../../src/protocols/statsig/spec-body/protobuf-writer.js';

const BEFORE: DemoProject = { time: 1, isGateOpen: true, greeting: 'hello', fillerGates: 2 };
const AFTER: DemoProject = { time: 2, isGateOpen: false, greeting: 'goodbye', fillerGates: 1 };
const FORMS = {
  'v1 JSON': ['json', (project: DemoProject) => Buffer.from(JSON.stringify(demoV1(project)))],
  'v2 JSON': ['json', (project: DemoProject) => Buffer.from(JSON.stringify(demoV2(project)))],
  protobuf: ['protobuf', demoEnvelopes],
} as const;

function json(before: object, after: object): SpecDiff {
  const read = (spec: object): ReturnType<typeof readSpecItems> =>
    readSpecItems(Buffer.from(JSON.stringify(spec)), 'json');
  return diffSpecs(read(before), read(after));
}

for (const [name, [format, bodyOf]] of Object.entries(FORMS)) {
  test(`${name}: gates and configs that were added, removed and changed, with their rules`, () => {
    const [before, after] = [BEFORE, AFTER].map((project) => readSpecItems(bodyOf(project), format));
    assert.ok(before !== undefined && after !== undefined);
    const { gates, configs, experiments, layers, segments } = diffSpecs(before, after);
    assert.deepEqual(gates.removed, { count: 1, names: ['filler_gate_1'] });
    assert.deepEqual(gates.added, { count: 0, names: [] });
    assert.deepEqual(gates.changed, { count: 1, names: ['demo_gate'] });
    const [gate] = gates.details;
    assert.deepEqual([gate?.name, gate?.fields, gate?.hasMore], ['demo_gate', [], false]);
    const [rule] = gate?.rules ?? [];
    assert.equal(rule?.name, 'rule-of-demo_gate');
    const passes = [rule.before, rule.after].map(
      (each) => (each as { passPercentage: number }).passPercentage,
    );
    assert.deepEqual(passes, [100, 0]);
    assert.deepEqual(configs.changed, { count: 1, names: ['demo_config'] });
    const [config] = configs.details;
    assert.match(JSON.stringify(config?.rules), /"greeting":"hello".*"greeting":"goodbye"/);
    for (const { added, removed, changed } of [experiments, layers, segments])
      assert.equal(added.count + removed.count + changed.count, 0);
    assert.deepEqual(diffSpecs(after, before).gates.added.names, ['filler_gate_1']);
    const same = diffSpecs(before, readSpecItems(bodyOf({ ...BEFORE, time: 3 }), format));
    for (const group of Object.values(same)) assert.deepEqual(group.changed, { count: 0, names: [] });
  });
}

test('experiments and segments are told from configs and gates by their entity', () => {
  const { gates, configs, experiments, segments } = json(
    { feature_gates: {}, dynamic_configs: {} },
    {
      feature_gates: { s: { entity: 'segment' }, g: { entity: 'feature_gate' } },
      dynamic_configs: {
        e: { entity: 'experiment' },
        a: { entity: 'autotune' },
        c: { entity: 'dynamic_config' },
      },
    },
  );
  assert.deepEqual(segments.added.names, ['s']);
  assert.deepEqual(gates.added.names, ['g']);
  assert.deepEqual(experiments.added.names, ['e', 'a']);
  assert.deepEqual(configs.added.names, ['c']);
});

test('in v2 a condition that changes under its id changes the rules that name it', () => {
  const spec = (value: number): object => ({
    feature_gates: { g: { entity: 'feature_gate', rules: [{ id: 'r', conditions: ['c', 'gone'] }] } },
    condition_map: { c: { type: 'user_field', targetValue: value } },
  });
  const [gate] = json(spec(1), spec(2)).gates.details;
  assert.deepEqual(gate?.rules, [
    {
      name: 'r',
      before: { id: 'r', conditions: [{ type: 'user_field', targetValue: 1 }, 'gone'] },
      after: { id: 'r', conditions: [{ type: 'user_field', targetValue: 2 }, 'gone'] },
    },
  ]);
});

test('rules that only change places, come, go, or share an id', () => {
  const spec = (...ids: string[]): object => ({ feature_gates: { g: { rules: ids.map((id) => ({ id })) } } });
  const [moved] = json(spec('a', 'b'), spec('b', 'a')).gates.details;
  assert.deepEqual([moved?.areRulesReordered, moved?.rules, moved?.hasMore], [true, [], false]);
  const [other] = json(spec('a', 'a'), spec('a', 'b')).gates.details;
  assert.deepEqual(
    other?.rules.map(({ name, before, after }) => [name, before !== undefined, after !== undefined]),
    [
      ['a (2)', true, false],
      ['b', false, true],
    ],
  );
  assert.equal(other.areRulesReordered, false);
});

test('the order of members means nothing, and a change that is not understood is still a change', () => {
  assert.equal(
    json(
      { feature_gates: { g: { a: 1, b: { c: 1, d: 2 } } } },
      { feature_gates: { g: { b: { d: 2, c: 1 }, a: 1 } } },
    ).gates.changed.count,
    0,
  );
  // Field 12 of a rule is a float, which is not read.
  const rate = (bytes: number[]): Buffer => Buffer.from([12 * 8 + 5, ...bytes]);
  const body = (bytes: number[]): Buffer =>
    delimited(message([1, 3], [2, 'g'], [4, message([7, Buffer.concat([message([3, 'r']), rate(bytes)])])]));
  const diff = diffSpecs(
    readSpecItems(body([0, 0, 0, 1]), 'protobuf'),
    readSpecItems(body([0, 0, 0, 2]), 'protobuf'),
  );
  assert.deepEqual(
    diff.gates.details.map(({ name, rules, hasMore }) => [name, rules, hasMore]),
    [['g', [], true]],
  );
});

test('however much changed, counts are right and the answer is bounded', () => {
  const spec = (value: string): object => ({
    feature_gates: Object.fromEntries(
      Array.from({ length: 2_000 }, (_none, index) => [
        `gate_${index}`,
        { salt: value.repeat(5_000), rules: [{ id: 'r', returnValue: value.repeat(5_000) }] },
      ]),
    ),
  });
  const diff = json(spec('a'), spec('b'));
  assert.equal(diff.gates.changed.count, 2_000);
  assert.equal(diff.gates.changed.names.length, NAMES_MAX);
  assert.equal(diff.gates.details.length, DETAILS_MAX);
  assert.deepEqual([diff.gates.details[0]?.hasMore, diff.gates.details.at(-1)?.hasMore], [false, true]);
  assert.ok(JSON.stringify(diff).length < DETAIL_CHARACTERS_MAX + 100_000);
  assert.equal(json(spec('a'), {}).gates.removed.count, 2_000);
});

test('any JSON is compared without a fault: with itself it has no difference', () => {
  const hostile = fc.record({
    feature_gates: fc.oneof(
      fc.jsonValue(),
      fc.array(fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
    ),
    dynamic_configs: fc.dictionary(fc.string(), fc.record({ entity: fc.string(), rules: fc.jsonValue() })),
    condition_map: fc.jsonValue(),
  });
  fc.assert(
    fc.property(hostile, hostile, (before, after) => {
      json(before, after);
      for (const { added, removed, changed } of Object.values(json(before, before)))
        assert.equal(added.count + removed.count + changed.count, 0);
    }),
  );
  assert.throws(() => readJsonItems(Buffer.from('{')), SyntaxError);
});
