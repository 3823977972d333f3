// One gate, config, experiment, layer or segment of a spec, as two specs are compared by.

export const GROUPS = ['gates', 'configs', 'experiments', 'layers', 'segments', 'paramStores'] as const;
export type Group = (typeof GROUPS)[number];

export interface SpecItem {
  readonly group: Group;
  readonly name: string;
  /** Equal for equal items, and for no others: also where a field is not understood here. */
  readonly identity: string;
  /** Without its rules. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** In their order, with their conditions in place. */
  readonly rules: readonly Readonly<Record<string, unknown>>[];
}

/** `entity`: as a spec calls it; `section`: the group of the part of the spec that it stands in. */
export function groupOf(entity: unknown, section: Group): Group {
  switch (entity) {
    case 'segment':
      return 'segments';
    case 'experiment':
    case 'autotune':
      return 'experiments';
    default:
      return section;
  }
}
