// What a config is for a context: the same as Replane's SDK says, and each condition with its reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Replane } from 'replane-sdk-1.0.4';
import {
  evaluateConfig,
  type JudgedCondition,
} from '../../../src/protocols/replane/project/evaluate-config.js';
import { randomConfigs, randomContext } from '../../fakes/replane/random-project.js';

test('for random configs and contexts it says what the SDK says', () => {
  const property = fc.property(randomConfigs(4), randomContext, (configs, context) => {
    const client = new Replane({ snapshot: { configs: configs as never } });
    for (const config of JSON.parse(JSON.stringify(configs)) as { name: string }[]) {
      const evaluated = evaluateConfig({ ...config }, context);
      const told: unknown = client.get(config.name, { context, default: undefined });
      // JSON writes no minus before zero.
      assert.equal(JSON.stringify(evaluated.value), JSON.stringify(told));
    }
  });
  fc.assert(property, { numRuns: 300, seed: 190_006 });
});

function reasonsFor(conditions: readonly object[], context: Record<string, string | number>): unknown {
  const config = { name: 'limits', value: 0, overrides: [{ name: 'some', conditions, value: 1 }] };
  const { override, overrides } = evaluateConfig(config, context);
  const [first] = overrides;
  return [override, first?.result, first?.conditions.map(({ result, reason }) => [result, reason])];
}

test('each condition has its reason', () => {
  const plan = { operator: 'in', property: 'plan', value: ['pro', 'ent'] };
  const age = { operator: 'greater_than', property: 'age', value: '18' };
  const half = { operator: 'segmentation', property: 'id', fromPercentage: 0, toPercentage: 50, seed: 's' };
  assert.deepEqual(reasonsFor([plan, age], { plan: 'pro', age: 19 }), [
    0,
    'matched',
    [
      ['matched', '"plan" is "pro": in ["pro","ent"]'],
      ['matched', '"age" is 19: greater than 18'],
    ],
  ]);
  assert.deepEqual(reasonsFor([plan, age], { age: 18 }), [
    null,
    'not_matched',
    [
      ['unknown', 'the context has no "plan"'],
      ['not_matched', '"age" is 18: not greater than 18'],
    ],
  ]);
  assert.deepEqual(reasonsFor([{ operator: 'not', condition: plan }], {}), [
    null,
    'unknown',
    [['unknown', 'the condition in it is unknown']],
  ]);
  assert.deepEqual(reasonsFor([{ operator: 'or', conditions: [plan, age] }], { plan: 'pro' }), [
    0,
    'matched',
    [['matched', '1 of 2 conditions match']],
  ]);
  assert.match(
    JSON.stringify(reasonsFor([half], { id: 'a' })),
    /at \d+\.\d\d % with seed \\"s\\", the segment is 0 to 50 %/,
  );
});

test('each condition says what it asks, as it was written', () => {
  const half = { operator: 'segmentation', property: 'id', fromPercentage: 0, toPercentage: 50, seed: 's' };
  const lost = { operator: 'in', property: 'plan' };
  const conditions = [{ operator: 'or', conditions: [{ operator: 'not', condition: half }, lost] }];
  const { overrides } = evaluateConfig({ name: 'x', value: 0, overrides: [{ name: 'y', conditions }] }, {});
  const asked: unknown[] = [];
  const list = (judged: readonly JudgedCondition[] = []): void => {
    for (const { operator, asks, conditions: inner } of judged) {
      asked.push({ operator, ...asks });
      list(inner);
    }
  };
  list(overrides[0]?.conditions);
  assert.deepEqual(asked, [{ operator: 'or' }, { operator: 'not' }, half, lost]);
});

test('what cannot be understood is unknown, however it is written', () => {
  for (const condition of [
    {},
    { operator: 'and' },
    { operator: 'or', conditions: 'x' },
    { operator: 'not' },
    { operator: 'in', property: 'plan' },
    { operator: 'toString', property: 'plan', value: 1 },
    { operator: 'equals', property: 'constructor', value: 1 },
  ]) {
    const [override, result] = reasonsFor([condition], { plan: 'pro' }) as [unknown, unknown];
    assert.deepEqual([override, result], [null, 'unknown'], JSON.stringify(condition));
  }
  let deep: object = { operator: 'equals', property: 'plan', value: 'pro' };
  for (let depth = 0; depth < 1_000; depth += 1) deep = { operator: 'not', condition: deep };
  assert.deepEqual((reasonsFor([deep], { plan: 'pro' }) as unknown[]).slice(0, 2), [null, 'unknown']);
});
