// The difference of two specs for people: what was added, removed and changed, with rules before and after, within bounds.
import { sorted } from './json-items.js';
import { GROUPS, type Group, type SpecItem } from './spec-item.js';
import type { SpecItems } from './spec-items.js';

/** Names in one list. */
export const NAMES_MAX = 500;
/** Items of one group that are shown with what changed in them; of the others there are the names. */
export const DETAILS_MAX = 100;
/** Rules shown of one item, and fields. */
const PARTS_MAX = 50;
/** Of a value or a rule as JSON; a longer one is cut. */
export const TEXT_CHARACTERS_MAX = 2_000;
/** Of all details together, about. */
export const DETAIL_CHARACTERS_MAX = 500_000;

export interface Change {
  readonly name: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ItemChange {
  readonly name: string;
  readonly fields: readonly Change[];
  /** By their ids, else by their places; one without `before` was added, one without `after` removed. */
  readonly rules: readonly Change[];
  readonly areRulesReordered: boolean;
  /** Something changed that is not shown: it has no name here, or there was no room. */
  readonly hasMore: boolean;
}

export interface GroupDiff {
  readonly added: Names;
  readonly removed: Names;
  readonly changed: Names;
  /** Of the first of those that changed. */
  readonly details: readonly ItemChange[];
}

export interface Names {
  readonly count: number;
  readonly names: readonly string[];
}

export type SpecDiff = Readonly<Record<Group, GroupDiff>>;

export function diffSpecs(before: SpecItems, after: SpecItems): SpecDiff {
  const room = { characters: DETAIL_CHARACTERS_MAX };
  return Object.fromEntries(
    GROUPS.map((group) => [group, diffGroup(group, before, after, room)]),
  ) as SpecDiff;
}

interface Room {
  characters: number;
}

function diffGroup(group: Group, before: SpecItems, after: SpecItems, room: Room): GroupDiff {
  const only = (items: SpecItems): [string, SpecItem][] =>
    [...items].filter(([, item]) => item.group === group);
  const added = only(after).filter(([id]) => !before.has(id));
  const removed = only(before).filter(([id]) => !after.has(id));
  const changed = only(after).flatMap(([id, item]) => {
    const former = before.get(id);
    return former === undefined || former.identity === item.identity ? [] : [[former, item] as const];
  });
  return {
    added: toNames(added.map(([, { name }]) => name)),
    removed: toNames(removed.map(([, { name }]) => name)),
    changed: toNames(changed.map(([, { name }]) => name)),
    details: changed.slice(0, DETAILS_MAX).map(([former, item]) => diffItem(former, item, room)),
  };
}

function toNames(all: readonly string[]): Names {
  return {
    count: all.length,
    names: all.slice(0, NAMES_MAX).map((name) => name.slice(0, TEXT_CHARACTERS_MAX)),
  };
}

function diffItem(before: SpecItem, after: SpecItem, room: Room): ItemChange {
  const [formerRules, rules] = [byId(before), byId(after)];
  const allFields = changesOf(new Map(Object.entries(before.fields)), new Map(Object.entries(after.fields)));
  const allRules = changesOf(formerRules, rules);
  const stay = (ids: Iterable<string>, others: ReadonlyMap<string, unknown>): string =>
    [...ids].filter((id) => others.has(id)).join('\n');
  const areRulesReordered = stay(formerRules.keys(), rules) !== stay(rules.keys(), formerRules);
  const [shownFields, shownRules] = [take(allFields, room), take(allRules, room)];
  const isAllShown = shownFields.length === allFields.length && shownRules.length === allRules.length;
  const isExplained = allFields.length + allRules.length > 0 || areRulesReordered;
  return {
    name: after.name,
    fields: shownFields,
    rules: shownRules,
    areRulesReordered,
    hasMore: !isAllShown || !isExplained,
  };
}

/** Rules that share an id are told apart by how often it stood before. */
function byId({ rules }: SpecItem): ReadonlyMap<string, unknown> {
  const known = new Map<string, unknown>();
  for (const [index, rule] of rules.entries()) {
    const id = typeof rule['id'] === 'string' ? rule['id'] : `rule ${index}`;
    let name = id;
    for (let times = 2; known.has(name); times += 1) name = `${id} (${times})`;
    known.set(name, rule);
  }
  return known;
}

function changesOf(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Change[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap((name) => {
    const [former, now] = [before.get(name), after.get(name)];
    if (JSON.stringify(sorted(former)) === JSON.stringify(sorted(now))) return [];
    return [
      {
        name,
        ...(before.has(name) && { before: former }),
        ...(after.has(name) && { after: now }),
      },
    ];
  });
}

/** As many as there is room for, each cut to its bound. */
function take(changes: readonly Change[], room: Room): readonly Change[] {
  const taken: Change[] = [];
  for (const change of changes.slice(0, PARTS_MAX)) {
    const cut = Object.fromEntries(Object.entries(change).map(([side, value]) => [side, shortened(value)]));
    const { length } = JSON.stringify(cut);
    if (length > room.characters) break;
    room.characters -= length;
    taken.push(cut as unknown as Change);
  }
  return taken;
}

function shortened(value: unknown): unknown {
  const written = JSON.stringify(value);
  return written.length <= TEXT_CHARACTERS_MAX ? value : `${written.slice(0, TEXT_CHARACTERS_MAX)}…`;
}
