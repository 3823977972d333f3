// The specs that this replica holds or should hold, in the order in which somebody has to look at them, and page by page.
import { holdId, holdStateOf, ruleOf, type Hold } from '../core/holds/hold.js';
import { hashSdkKey, maskSdkKey } from '../domain/sdk-key.js';
import { SPEC_STATES } from '../servers/admin/openapi/spec-schemas.js';
import type { PageQuery } from '../servers/admin/operator-api.js';
import type { Core } from './core.js';
import { OPERATED_KINDS } from './operated-kinds.js';
import { knownPayloads, type Known } from './specs.js';

export type SpecState = (typeof SPEC_STATES)[number];

export interface ListedSpec extends Known {
  /** Its key's name, or the key masked. */
  readonly shown: string;
  readonly keyHash: string;
  /** Undefined where none is in force. */
  readonly hold: Hold | undefined;
  readonly state: SpecState;
}

export interface SpecPage {
  readonly specs: readonly ListedSpec[];
  readonly total: number;
  readonly matching: number;
  /** Where the next page begins; undefined for the last one. */
  readonly next: string | undefined;
}

export type SpecListRooms = Pick<Core, 'store' | 'pinned' | 'outcomes' | 'holds'>;

/** Every one, in no order. Keys are hashed once each: of 1,000 keys that is a millisecond. */
export function listSpecs(rooms: SpecListRooms, nowMs: number): readonly ListedSpec[] {
  const inForce = rooms.holds.all.filter((hold) => ruleOf(hold, nowMs) !== undefined);
  const holds = new Map(inForce.map((hold) => [holdId(hold), hold]));
  const named = new Map<string, Pick<ListedSpec, 'shown' | 'keyHash'>>();
  return knownPayloads(rooms)
    .filter(({ key }) => OPERATED_KINDS.includes(key.kind))
    .map((known) => {
      const { sdkKey, kind, format } = known.key;
      const name = named.get(sdkKey) ?? { shown: maskSdkKey(sdkKey), keyHash: hashSdkKey(sdkKey) };
      named.set(sdkKey, name);
      const hold = holds.get(holdId({ keyHash: name.keyHash, api: kind.name, format }));
      return { ...known, ...name, hold, state: stateOf(known, hold, nowMs) };
    });
}

/** Those with something wrong first, then by name. A row that changes its place while somebody turns pages is missed or shown twice. */
export function pageOfSpecs(rooms: SpecListRooms, nowMs: number, query: PageQuery): SpecPage {
  const all = listSpecs(rooms, nowMs);
  const words = wordsOf(query.search);
  const matching = all.filter((spec) => matches(spec, words));
  const sorted = matching.map((spec) => ({ spec, place: placeOf(spec) }));
  sorted.sort((left, right) => (left.place < right.place ? -1 : 1));
  const from = query.after === undefined ? sorted : sorted.filter(({ place }) => place > (query.after ?? ''));
  const shown = from.slice(0, query.limit);
  const next = from.length > shown.length ? shown.at(-1)?.place : undefined;
  return { specs: shown.map(({ spec }) => spec), total: all.length, matching: matching.length, next };
}

function stateOf({ held, last }: Known, hold: Hold | undefined, nowMs: number): SpecState {
  if (last?.kind === 'unauthorized') return 'refused';
  if (held === undefined) return 'missing';
  if (last?.kind === 'failed') return 'failing';
  const of = hold === undefined ? 'over' : holdStateOf(hold, held.payload.version, nowMs);
  if (of === 'over') return 'ok';
  return of === 'held' && hold?.action === 'guard' ? 'held_back' : of;
}

/** Sorts as the list does; tells nothing of the key. */
function placeOf({ state, shown, keyHash, key }: ListedSpec): string {
  return [SPEC_STATES.indexOf(state), shown, keyHash, key.kind.name, key.format].join(' ');
}

export function wordsOf(search: string): readonly string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean);
}

export function matches(
  { shown, keyHash, key, state }: Pick<ListedSpec, 'shown' | 'keyHash' | 'key' | 'state'>,
  words: readonly string[],
): boolean {
  if (words.length === 0) return true;
  const text = `${shown} ${keyHash} ${key.kind.name} ${key.format} ${state}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
