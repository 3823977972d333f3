// What one config is for one context, and why: each condition of its overrides is judged as Replane's SDK for JavaScript does.

/** `unknown`: the context lacks what the condition asks for, or the condition cannot be understood. An override needs all to match. */
export type Matching = 'matched' | 'not_matched' | 'unknown';

type Members = Readonly<Record<string, unknown>>;

export type EvaluationContext = Readonly<Record<string, string | number | boolean | null>>;

export interface JudgedCondition {
  readonly operator: string;
  /** What the condition says besides, as the origin wrote it: property and value, or the segment. */
  readonly asks: Members;
  readonly result: Matching;
  readonly reason: string;
  /** Of `and`, `or` and `not`. */
  readonly conditions?: readonly JudgedCondition[];
}

export interface JudgedOverride {
  readonly name: string;
  readonly result: Matching;
  readonly value: unknown;
  readonly conditions: readonly JudgedCondition[];
}

export interface EvaluatedConfig {
  readonly name: string;
  /** What an SDK says for the context. */
  readonly value: unknown;
  /** The place of the override that the value is of, from 0; null where it is the value without overrides. */
  readonly override: number | null;
  readonly baseValue: unknown;
  readonly overrides: readonly JudgedOverride[];
}

/** Of a value in a reason. */
const SHOWN_CHARACTERS_MAX = 100;
/** Of conditions within conditions; nobody writes as many by hand, and each costs a call. */
const DEPTH_MAX = 50;
/** Members of a condition that are judged by themselves. */
const SHOWN_BESIDES: ReadonlySet<string> = new Set(['operator', 'condition', 'conditions']);

/** `config`: as it was parsed. */
export function evaluateConfig(config: Members, context: EvaluationContext): EvaluatedConfig {
  const overrides = listOf(config['overrides']).map((override) =>
    judgeOverride(toMembers(override), context),
  );
  const matching = overrides.findIndex(({ result }) => result === 'matched');
  const baseValue = config['value'];
  return {
    name: String(config['name']),
    value: matching < 0 ? baseValue : overrides[matching]?.value,
    override: matching < 0 ? null : matching,
    baseValue,
    overrides,
  };
}

function judgeOverride(override: Members, context: EvaluationContext): JudgedOverride {
  const conditions = judgeAll(override['conditions'], context, 0);
  const isList = Array.isArray(override['conditions']);
  const result = isList ? allOf(conditions) : 'unknown';
  return { name: String(override['name']), result, value: override['value'], conditions };
}

function judgeAll(conditions: unknown, context: EvaluationContext, depth: number): JudgedCondition[] {
  return listOf(conditions).map((condition) => judge(toMembers(condition), context, depth));
}

function judge(condition: Members, context: EvaluationContext, depth: number): JudgedCondition {
  const operator = String(condition['operator']);
  const asks = Object.fromEntries(Object.entries(condition).filter(([name]) => !SHOWN_BESIDES.has(name)));
  const of = (
    result: Matching,
    reason: string,
    conditions?: readonly JudgedCondition[],
  ): JudgedCondition => ({
    operator,
    asks,
    result,
    reason,
    ...(conditions && { conditions }),
  });
  if (depth >= DEPTH_MAX) return of('unknown', `it stands within ${DEPTH_MAX} other conditions`);
  switch (operator) {
    case 'and':
    case 'or': {
      if (!Array.isArray(condition['conditions'])) return of('unknown', 'it has no list of conditions');
      const inner = judgeAll(condition['conditions'], context, depth + 1);
      return of(operator === 'and' ? allOf(inner) : anyOf(inner), countedOf(inner), inner);
    }
    case 'not': {
      const inner = judge(toMembers(condition['condition']), context, depth + 1);
      return of(OPPOSITE[inner.result], `the condition in it is ${WORDS[inner.result]}`, [inner]);
    }
    default: {
      const property = String(condition['property']);
      const given = Object.hasOwn(context, property) ? context[property] : undefined;
      if (given === undefined) return of('unknown', `the context has no ${shown(property)}`);
      const { result, why } =
        operator === 'segmentation'
          ? inSegment(condition, given)
          : compare(operator, condition['value'], given);
      return of(result, `${shown(property)} is ${shown(given)}: ${why}`);
    }
  }
}

function allOf(conditions: readonly JudgedCondition[]): Matching {
  if (conditions.some(({ result }) => result === 'not_matched')) return 'not_matched';
  return conditions.some(({ result }) => result === 'unknown') ? 'unknown' : 'matched';
}

function anyOf(conditions: readonly JudgedCondition[]): Matching {
  if (conditions.some(({ result }) => result === 'matched')) return 'matched';
  return conditions.some(({ result }) => result === 'unknown') ? 'unknown' : 'not_matched';
}

function countedOf(conditions: readonly JudgedCondition[]): string {
  const matched = conditions.filter(({ result }) => result === 'matched').length;
  return `${matched} of ${conditions.length} conditions match`;
}

const OPPOSITE: Readonly<Record<Matching, Matching>> = {
  matched: 'not_matched',
  not_matched: 'matched',
  unknown: 'unknown',
};
const WORDS: Readonly<Record<Matching, string>> = {
  matched: 'matched',
  not_matched: 'not matched',
  unknown: 'unknown',
};

type Given = string | number | boolean | null;

interface Compared {
  readonly result: Matching;
  readonly why: string;
}

function inSegment({ seed, fromPercentage, toPercentage }: Members, given: Given): Compared {
  if (given === null) return { result: 'unknown', why: 'null is in no segment' };
  const unit = fnv1a32(`${String(given)}${String(seed)}`) / 2 ** 32;
  const isWithin = unit >= Number(fromPercentage) / 100 && unit < Number(toPercentage) / 100;
  const why = `at ${(unit * 100).toFixed(2)} % with seed ${shown(seed)}, the segment is ${shown(fromPercentage)} to ${shown(toPercentage)} %`;
  return { result: isWithin ? 'matched' : 'not_matched', why };
}

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  less_than: (order) => order < 0,
  less_than_or_equal: (order) => order <= 0,
  greater_than: (order) => order > 0,
  greater_than_or_equal: (order) => order >= 0,
};

function compare(operator: string, expected: unknown, given: Given): Compared {
  const cast = castTo(expected, given);
  const matching = (isMatched: boolean): Compared => ({
    result: isMatched ? 'matched' : 'not_matched',
    why: `${isMatched ? '' : 'not '}${operator.replaceAll('_', ' ')} ${shown(cast)}`,
  });
  if (operator === 'equals') return matching(given === cast);
  if (operator === 'in' || operator === 'not_in') {
    if (!Array.isArray(cast)) return { result: 'unknown', why: `${shown(cast)} is not a list` };
    return matching((cast as unknown[]).includes(given) === (operator === 'in'));
  }
  const isInOrder = Object.hasOwn(ORDERS, operator) ? ORDERS[operator] : undefined;
  if (isInOrder === undefined) return { result: 'unknown', why: 'the operator is not known' };
  const order = orderOf(given, cast);
  return matching(order !== undefined && isInOrder(order));
}

/** Undefined where there is none between the two. */
function orderOf(given: Given, cast: unknown): number | undefined {
  const areNumbers = typeof given === 'number' && typeof cast === 'number';
  const areTexts = typeof given === 'string' && typeof cast === 'string';
  if (!areNumbers && !areTexts) return undefined;
  if (given === cast) return 0;
  return given < cast ? -1 : 1;
}

/** SDKs take what a condition states as the type of what the context has. Lists are left as they are. */
function castTo(expected: unknown, given: Given): unknown {
  switch (typeof given) {
    case 'number': {
      const number = typeof expected === 'string' ? Number(expected) : Number.NaN;
      return Number.isNaN(number) ? expected : number;
    }
    case 'boolean':
      if (expected === 'true') return true;
      if (expected === 'false') return false;
      return typeof expected === 'number' ? expected !== 0 : expected;
    case 'string':
      return typeof expected === 'number' || typeof expected === 'boolean' ? String(expected) : expected;
    default:
      return expected;
  }
}

/** The hash by which SDKs put a context into a segment: FNV-1a of 32 bits. */
function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function toMembers(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
