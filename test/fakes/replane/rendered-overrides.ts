// Overrides as operators of Replane write them, with references to other configs, and as its server renders them for SDKs.
import type { ReplaneCondition, ReplaneOverride } from './replane-project.js';

export interface ConfigReference {
  readonly type: 'reference';
  readonly projectId: string;
  readonly configName: string;
  readonly path: readonly (string | number)[];
}

type StoredValue = { readonly type: 'literal'; readonly value: unknown } | ConfigReference;

export type StoredCondition =
  | { readonly operator: 'and' | 'or'; readonly conditions: readonly StoredCondition[] }
  | { readonly operator: 'not'; readonly condition: StoredCondition }
  | Extract<ReplaneCondition, { operator: 'segmentation' }>
  | {
      readonly operator: Exclude<ReplaneCondition['operator'], 'and' | 'or' | 'not' | 'segmentation'>;
      readonly property: string;
      readonly value: StoredValue;
    };

export interface StoredOverride {
  readonly name: string;
  readonly conditions: readonly StoredCondition[];
  readonly value: unknown;
}

/** The value of another config, without its overrides; undefined where there is none. */
export type ResolveConfig = (reference: ConfigReference) => unknown;

export function renderOverrides(
  overrides: readonly StoredOverride[],
  resolve: ResolveConfig,
): readonly ReplaneOverride[] {
  return overrides.map(({ name, value, conditions }) => ({
    name,
    value,
    conditions: conditions.map((condition) => renderCondition(condition, resolve)),
  }));
}

export function referencesIn(overrides: readonly StoredOverride[]): readonly ConfigReference[] {
  const references: ConfigReference[] = [];
  const note = (reference: ConfigReference): void => {
    references.push(reference);
  };
  renderOverrides(overrides, note);
  return references;
}

function renderCondition(condition: StoredCondition, resolve: ResolveConfig): ReplaneCondition {
  switch (condition.operator) {
    case 'and':
    case 'or': {
      const { operator, conditions } = condition;
      return { operator, conditions: conditions.map((each) => renderCondition(each, resolve)) };
    }
    case 'not':
      return { operator: 'not', condition: renderCondition(condition.condition, resolve) };
    case 'segmentation':
      return condition;
    default: {
      const { operator, property, value } = condition;
      const rendered = value.type === 'literal' ? value.value : valueAt(resolve(value), value.path);
      // JSON has no undefined: what cannot be resolved is left out on the wire.
      return { operator, property, value: rendered };
    }
  }
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Readonly<Record<string | number, unknown>>)[step];
  }
  return found;
}
