// Specs of the demo project with gates that ask whether a user is on an ID list, one for each list.
// Condition `in_segment_list`: node_modules/statsig-node/dist/Evaluator.js; core takes the same from `condition_map`.
import { demoV1, demoV2, type DemoProject } from '../../scripts/demo-specs.js';

type Entries = Readonly<Record<string, unknown>>;

const PROJECT: DemoProject = { time: 1_700_000_000_000, isGateOpen: true, greeting: 'hello' };

/** The gate that is open to those on this list. */
export function gateOf(listName: string): string {
  return `gate_of_${listName}`;
}

/** For legacy SDKs. */
export function listSpecV1(listNames: readonly string[]): object {
  const spec = demoV1(PROJECT) as { readonly feature_gates: readonly object[] };
  const gates = listNames.map((name) => ({ name: gateOf(name), ...gateSpec(name, condition(name)) }));
  return {
    ...spec,
    feature_gates: [...spec.feature_gates, ...gates],
    id_lists: Object.fromEntries(listNames.map((name) => [name, true])),
  };
}

/** For core SDKs. */
export function listSpecV2(listNames: readonly string[]): object {
  const spec = demoV2(PROJECT) as { readonly feature_gates: Entries; readonly condition_map: Entries };
  const gates = listNames.map(
    (name) => [gateOf(name), { ...gateSpec(name, conditionId(name)), version: 1 }] as const,
  );
  const conditions = listNames.map((name) => [conditionId(name), condition(name)] as const);
  return {
    ...spec,
    feature_gates: { ...spec.feature_gates, ...entriesOf(gates) },
    condition_map: { ...spec.condition_map, ...entriesOf(conditions) },
  };
}

function entriesOf(entries: readonly (readonly [string, unknown])[]): Entries {
  return Object.fromEntries(entries);
}

function conditionId(listName: string): string {
  return `condition-of-${listName}`;
}

function condition(listName: string): object {
  return {
    type: 'unit_id',
    targetValue: listName,
    operator: 'in_segment_list',
    field: null,
    additionalValues: {},
    idType: 'userID',
  };
}

function gateSpec(listName: string, onlyCondition: unknown): object {
  return {
    type: 'feature_gate',
    salt: `salt-of-${listName}`,
    enabled: true,
    defaultValue: false,
    rules: [
      {
        name: `rule-of-${listName}`,
        id: `rule-of-${listName}`,
        salt: `rule-salt-of-${listName}`,
        passPercentage: 100,
        conditions: [onlyCondition],
        returnValue: true,
        idType: 'userID',
      },
    ],
    idType: 'userID',
    entity: 'feature_gate',
  };
}
