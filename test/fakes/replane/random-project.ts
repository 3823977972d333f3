// Configs with overrides of every kind and depth, and contexts that meet their conditions often: for fast-check.
import fc from 'fast-check';
import type { ReplaneCondition, ReplaneConfig, ReplaneOverride } from './replane-project.js';

const PROPERTIES = ['plan', 'age', 'region', 'userId', 'beta'] as const;
const OPERATORS = [
  'equals',
  'in',
  'not_in',
  'less_than',
  'less_than_or_equal',
  'greater_than',
  'greater_than_or_equal',
] as const;

/** Few values, so that contexts and conditions meet; some of them are alike but for their type. */
const scalar = fc.constantFrom(
  'pro',
  'free',
  'eu',
  '18',
  18,
  17.5,
  '17.50',
  0,
  -0,
  1,
  '1',
  true,
  false,
  'true',
  null,
  '',
  'ä',
);
const property = fc.constantFrom(...PROPERTIES);
const value = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);

const leaf: fc.Arbitrary<ReplaneCondition> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record(
      { operator: fc.constantFrom(...OPERATORS), property, value },
      { requiredKeys: ['operator', 'property'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      operator: fc.constant('segmentation' as const),
      property,
      fromPercentage: fc.integer({ min: 0, max: 50 }),
      toPercentage: fc.integer({ min: 50, max: 100 }),
      seed: fc.string({ maxLength: 5 }),
    }),
  },
);

const condition = fc.letrec<{ readonly any: ReplaneCondition }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.record({
      operator: fc.constantFrom('and' as const, 'or' as const),
      conditions: fc.array(tie('any'), { maxLength: 3 }),
    }),
    fc.record({ operator: fc.constant('not' as const), condition: tie('any') }),
  ),
})).any;

const override: fc.Arbitrary<ReplaneOverride> = fc.record({
  name: fc.string({ maxLength: 10 }),
  conditions: fc.array(condition, { maxLength: 3 }),
  value: fc.jsonValue({ maxDepth: 2 }),
});

/** Configs with the names `c0`, `c1` and so on. */
export function randomConfigs(count: number): fc.Arbitrary<readonly ReplaneConfig[]> {
  const config = fc.record({
    value: fc.jsonValue({ maxDepth: 3 }),
    overrides: fc.array(override, { maxLength: 4 }),
  });
  return fc
    .array(config, { minLength: count, maxLength: count })
    .map((configs) => configs.map((each, index) => ({ name: `c${index}`, ...each })));
}

export type RandomContext = Readonly<Record<string, string | number | boolean | null>>;

export const randomContext: fc.Arbitrary<RandomContext> = fc.dictionary(property, scalar, { maxKeys: 5 });
