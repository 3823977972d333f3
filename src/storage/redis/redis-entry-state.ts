// The small fields of an entry: its version, its owner, when it was confirmed, and how its body is stored.
import type { Encoding } from '../../domain/payload.js';
import type { PayloadFormat } from '../../domain/resource-kind.js';
import type { SnapshotFault } from '../snapshots.js';
import { readBodyCoding } from './redis-body.js';
import { unexpectedAnswer } from './redis-commands.js';
import type { EntryNames } from './redis-names.js';

/** How far the clocks of a Redis and its successor after a failover may differ. */
const AHEAD_MS_MAX = 1_000;

export interface StoredEntry {
  readonly kind: 'entry';
  readonly version: number;
  /** Our fields describe this version; SFP's own entries do not have them. */
  readonly isOurs: boolean;
  /** Infinity if this version was never confirmed. */
  readonly confirmedAgoMs: number;
  readonly confirmedBy: string | undefined;
  readonly body: StoredBody;
}

/** How the body that the origin sent for our version is stored. */
export interface StoredBody {
  readonly format: PayloadFormat | undefined;
  /** Undefined if it is the config. */
  readonly encoding: Encoding | undefined;
  /** The id of the data key that the body is sealed with; empty where it is not. */
  readonly sealedWith: string;
  /** 0 if there is none, and if sizes were not asked for. */
  readonly configBytes: number;
  readonly bodyBytes: number;
}

export type EntryLook =
  StoredEntry | { readonly kind: 'missing' } | { readonly kind: 'unusable'; readonly fault: SnapshotFault };

/** One look per name, in their order. Throws a RedisFault for an answer that our script does not give. */
export function readLooks(answer: unknown, names: readonly EntryNames[]): EntryLook[] {
  if (!Array.isArray(answer) || answer.length !== names.length + 1) throw unexpectedAnswer();
  const [nowText, ...rows] = answer as readonly unknown[];
  const nowMs = Number(nowText);
  return names.map((entry, index) => readLook(rows[index], entry, nowMs));
}

function readLook(row: unknown, names: EntryNames, nowMs: number): EntryLook {
  if (!Array.isArray(row)) throw unexpectedAnswer();
  const [lcut, ourVersion, owner, confirmed, confirmedBy, ...body] = row as readonly unknown[];
  if (lcut === 'wrong_type') return { kind: 'unusable', fault: 'wrong_type' };
  const stored = readBody(body);
  const version = readVersion(lcut);
  if (version === undefined) {
    return lcut !== null || stored.isThere
      ? { kind: 'unusable', fault: 'unknown_format' }
      : { kind: 'missing' };
  }
  const isOurs = ourVersion === lcut;
  if (isForeign(names, isOurs, owner)) return { kind: 'unusable', fault: 'foreign_key' };
  const confirmedMs = isOurs ? readConfirmed(confirmed, nowMs) : undefined;
  return {
    kind: 'entry',
    version,
    isOurs,
    confirmedAgoMs: confirmedMs === undefined ? Infinity : Math.max(0, nowMs - confirmedMs),
    confirmedBy: typeof confirmedBy === 'string' ? confirmedBy : undefined,
    body: stored,
  };
}

/**
 * Whether an entry may be of another SDK key. Under a shared name that is so unless our fields say otherwise; under a
 * name of one key only where they name another owner: the entry was copied.
 */
export function isForeign(names: EntryNames, isOurs: boolean, owner: unknown): boolean {
  if (names.isShared) return !isOurs || owner !== names.owner;
  return isOurs && typeof owner === 'string' && owner !== names.owner;
}

/** A time ahead of Redis' own clock was not read from that clock, or was before the clock was set back. */
function readConfirmed(text: unknown, nowMs: number): number | undefined {
  const confirmedMs = readVersion(text);
  return confirmedMs === undefined || confirmedMs > nowMs + AHEAD_MS_MAX ? undefined : confirmedMs;
}

function readBody(fields: readonly unknown[]): StoredBody & { readonly isThere: boolean } {
  const [format, bodyEncoding, configBytes, bodyBytes, isThere] = fields;
  const coding = readBodyCoding(bodyEncoding);
  return {
    format: format === 'json' || format === 'protobuf' ? format : undefined,
    encoding: coding?.encoding,
    sealedWith: coding?.sealedWith ?? '',
    configBytes: Number(configBytes ?? 0),
    bodyBytes: Number(bodyBytes ?? 0),
    isThere: isThere === 1,
  };
}

/** As the scripts read versions: digits only, and no more than a number holds exactly. */
function readVersion(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) return undefined;
  const version = Number(text);
  return Number.isSafeInteger(version) ? version : undefined;
}
