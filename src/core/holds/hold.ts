// What an operator decided about one payload: to keep it at its version, or to have an earlier one served for a while.
import type { PayloadKey } from '../../domain/payload-key.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import { readVersion } from '../../domain/version.js';

export type HoldAction =
  | 'freeze'
  | 'rollback'
  /** Nobody ordered it: a new version has lost too much. */
  | 'guard';
const ACTIONS: readonly HoldAction[] = ['freeze', 'rollback', 'guard'];

export interface Hold {
  /** Whose payload it is, by the SHA-256 of its SDK key, the name of its kind, and its format. */
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
  readonly action: HoldAction;
  /** The version that is served meanwhile. */
  readonly version: number;
  /** Whose body that is: of a freeze the same, of a rollback the earlier one. */
  readonly bodyOf: number;
  readonly reason: string;
  readonly who: string;
  /** By the wall clock; a hold that was released ends when it was. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Of two records about one payload, the one that was changed last counts. */
  readonly changedAtMs: number;
  /** Of a guard: the version that is held back. */
  readonly waiting?: number;
  /** Of a guard: what that version has lost. */
  readonly loss?: string;
  /**
   * The highest version that the body of any rollback was given, 0 where there was none. A replica that did not know yet of this
   * order may have given it, and clients may have it.
   */
  readonly raisedTo: number;
}

/**
 * What a hold means for its payload now. `held`: this version is served, whatever comes. `returning`: a rollback is over, and
 * what it served is still in force: whatever the origin has goes out with a version above that.
 */
export type HoldRule =
  | { readonly kind: 'held'; readonly version: number }
  | { readonly kind: 'returning'; readonly version: number };

/** Undefined where the payload is treated like any other. */
export function ruleOf(hold: Hold, nowMs: number): HoldRule | undefined {
  if (nowMs < hold.untilMs) return { kind: 'held', version: hold.version };
  const version = raisedToBy(hold);
  return version > 0 ? { kind: 'returning', version } : undefined;
}

/** `served`: the version in force here; 0 where none is known. A rollback is over once that is above what it served. */
export function holdStateOf(hold: Hold, served: number, nowMs: number): HoldRule['kind'] | 'over' {
  const rule = ruleOf(hold, nowMs);
  const isOver = rule === undefined || (rule.kind === 'returning' && served > rule.version);
  return isOver ? 'over' : rule.kind;
}

function raisedToBy({ action, version, raisedTo }: Hold): number {
  return action === 'rollback' ? Math.max(raisedTo, version) : raisedTo;
}

/** The same for the same payload, and for no other; tells nothing of the SDK key. */
export function holdId({ keyHash, api, format }: Pick<Hold, 'keyHash' | 'api' | 'format'>): string {
  return `${api}/${format}/${keyHash}`;
}

export function holdIdOf({ sdkKey, kind, format }: PayloadKey): string {
  return holdId({ keyHash: hashSdkKey(sdkKey), api: kind.name, format });
}

/** A returning rollback has been replaced long before: each poll of its payload tries to. */
const FORGOTTEN_AFTER_MS = 8 * 86_400_000;

/** Whatever is known from two sides, in an order of its own: who merges last, and how often, makes no difference. */
export function mergeHolds(ones: readonly Hold[], others: readonly Hold[], nowMs: number): readonly Hold[] {
  const merged = new Map<string, Hold>();
  for (const hold of [...ones, ...others]) {
    if (hold.untilMs + FORGOTTEN_AFTER_MS < nowMs) continue;
    const known = merged.get(holdId(hold)) ?? hold;
    const later = isLater(hold, known) ? hold : known;
    merged.set(holdId(hold), withRaisedTo(later, Math.max(raisedToBy(hold), raisedToBy(known))));
  }
  return [...merged.values()].sort((left, right) => (holdId(left) < holdId(right) ? -1 : 1));
}

function withRaisedTo(hold: Hold, raisedTo: number): Hold {
  return raisedTo === hold.raisedTo ? hold : { ...hold, raisedTo };
}

/**
 * One order with another version is that order after it was overtaken: it counts as changed when the order was given, so that an
 * order given meanwhile overrules it. Otherwise two of the same millisecond are told apart by what they say: every replica has to
 * choose the same one.
 */
function isLater(hold: Hold, other: Hold): boolean {
  if (hold.changedAtMs !== other.changedAtMs) return hold.changedAtMs > other.changedAtMs;
  if (hold.version !== other.version) return hold.version > other.version;
  return JSON.stringify(withRaisedTo(hold, 0)) > JSON.stringify(withRaisedTo(other, 0));
}

/** Those of a stored list; what cannot be understood is left out. */
export function readHolds(value: unknown): readonly Hold[] {
  return Array.isArray(value) ? (value as unknown[]).flatMap(readHold) : [];
}

/** With its members in one order, so that equal holds are equal texts. */
function readHold(value: unknown): readonly Hold[] {
  if (typeof value !== 'object' || value === null) return [];
  const { keyHash, api, format, action, version, bodyOf, reason, who, sinceMs, untilMs, changedAtMs } =
    value as Readonly<Record<keyof Hold, never>>;
  const areTexts = [keyHash, api, format, reason, who].every((text) => typeof text === 'string');
  const { raisedTo, waiting, loss } = value as Readonly<Partial<Record<keyof Hold, unknown>>>;
  const areNumbers = [version, bodyOf, sinceMs, untilMs, changedAtMs].every(
    (number) => readVersion(number) !== undefined,
  );
  if (!areTexts || !areNumbers || !ACTIONS.includes(action)) return [];
  const of = { keyHash, api, format, action, version, bodyOf, reason, who, sinceMs, untilMs, changedAtMs };
  const hold = { ...of, raisedTo: readVersion(raisedTo) ?? 0 };
  const held = readVersion(waiting);
  const guarded = { ...(held !== undefined && { waiting: held }), ...(typeof loss === 'string' && { loss }) };
  return [{ ...hold, ...guarded }];
}
