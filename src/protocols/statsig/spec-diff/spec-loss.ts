// How much of a spec its next version has lost: of its gates, and of its configs, whatever else may be new in it.
import type { Group } from './spec-item.js';
import type { SpecItems } from './spec-items.js';

export interface SpecLoss {
  readonly gates: Lost;
  /** Dynamic configs and experiments. */
  readonly configs: Lost;
}

export interface Lost {
  readonly before: number;
  readonly lost: number;
}

export function lossOf(before: SpecItems, after: SpecItems): SpecLoss {
  const of = (...groups: readonly Group[]): Lost => {
    const known = [...before].filter(([, { group }]) => groups.includes(group));
    return { before: known.length, lost: known.filter(([id]) => !after.has(id)).length };
  };
  return { gates: of('gates'), configs: of('configs', 'experiments') };
}
