// Reads what stands in a JSON spec: of v1, where items are lists, and of v2, where they are objects by name.
import { groupOf, type Group, type SpecItem } from './spec-item.js';

type Members = Readonly<Record<string, unknown>>;

const SECTIONS: readonly (readonly [string, Group])[] = [
  ['feature_gates', 'gates'],
  ['dynamic_configs', 'configs'],
  ['layer_configs', 'layers'],
  ['param_stores', 'paramStores'],
];

/** Throws a SyntaxError where the body is no JSON. Numbers beyond 2^53 that differ in their last digits only look equal. */
export function readJsonItems(body: Buffer): readonly SpecItem[] {
  const spec = toMembers(JSON.parse(body.toString()));
  const conditions = toMembers(spec['condition_map']);
  return SECTIONS.flatMap(([member, section]) =>
    namedItems(spec[member]).map(([name, item]) => toItem(name, item, section, conditions)),
  );
}

function toItem(name: string, item: Members, section: Group, conditions: Members): SpecItem {
  const { rules, ...fields } = item;
  const listed = (Array.isArray(rules) ? rules : []) as unknown[];
  const resolved = listed.map((rule) => withConditions(toMembers(rule), conditions));
  const identity = JSON.stringify(sorted({ ...fields, rules: resolved }));
  return { group: groupOf(fields['entity'], section), name, identity, fields, rules: resolved };
}

/** v2 names the conditions of a rule by ids into a map of their own. */
function withConditions(rule: Members, conditions: Members): Members {
  const { conditions: named } = rule;
  if (!Array.isArray(named)) return rule;
  return {
    ...rule,
    conditions: (named as unknown[]).map((each) =>
      typeof each === 'string' && Object.hasOwn(conditions, each) ? conditions[each] : each,
    ),
  };
}

function namedItems(section: unknown): (readonly [string, Members])[] {
  if (Array.isArray(section)) {
    return (section as unknown[]).map((item) => {
      const members = toMembers(item);
      return [String(members['name']), members] as const;
    });
  }
  return Object.entries(toMembers(section)).map(([name, item]) => [name, toMembers(item)] as const);
}

function toMembers(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

/** With the members of objects in the order of their names, which means nothing. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}
