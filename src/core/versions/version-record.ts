// What is remembered of a version besides its body, and the names under which both are kept.
import type { HeldPayload, PayloadSource } from '../payload-store.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { readVersion } from '../../domain/version.js';
import { recordKind } from './stored-record.js';

const SOURCES: readonly PayloadSource[] = ['origin', 'redis', 'disk', 'operator'];

export interface VersionRecord {
  readonly version: number;
  /** When it was first held, by the wall clock of the replica that recorded it. */
  readonly atMs: number;
  /** From where that replica had it: from its own poll, from a place that outlives processes, or made for an operator. */
  readonly source: PayloadSource;
  /** The replica that recorded it. */
  readonly replica: string;
  /** The replica that confirmed it in Redis, where it came from there and that is known. */
  readonly from?: string | undefined;
  /** The ETag of the body as it came, without its quotes. */
  readonly hash: string;
  /** Of the body as it came, and without compression. */
  readonly bytes: number;
  readonly identityBytes: number;
}

/** `@` stands in no SDK key, so no key has this name. */
export function bodyKey({ sdkKey, kind, format }: PayloadKey, version: number): PayloadKey {
  const bodyKind = {
    ...kind,
    name: `${kind.name}_version`,
    path: `${kind.path}/version`,
    isContentAddressed: true,
    hasLegacyName: false,
  };
  return { sdkKey: `${sdkKey}@${version}`, kind: bodyKind, format };
}

export function listKey({ sdkKey, kind, format }: PayloadKey): PayloadKey {
  const listKind = recordKind(`${kind.name}_${format}_versions`, `${kind.path}/versions/${format}`);
  return { sdkKey, kind: listKind, format: 'json' };
}

export function toRecord(held: HeldPayload, atMs: number, replica: string): VersionRecord {
  const { payload, source, from } = held;
  const { version, originForm, identityBytes } = payload;
  const hash = originForm.etag.replaceAll('"', '');
  const facts = { version, atMs, source, replica, hash, bytes: originForm.bytes.length, identityBytes };
  return from === undefined ? facts : { ...facts, from };
}

/** The records of a stored list, the newest first; those that cannot be understood are left out. */
export function readRecords(value: unknown): readonly VersionRecord[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isRecord) : [];
}

function isRecord(value: unknown): value is VersionRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { version, atMs, source, replica, from, hash, bytes, identityBytes } = value as Record<
    string,
    unknown
  >;
  return (
    [version, atMs, bytes, identityBytes].every((number) => readVersion(number) !== undefined) &&
    SOURCES.some((known) => known === source) &&
    [replica, hash].every((text) => typeof text === 'string') &&
    (from === undefined || typeof from === 'string')
  );
}

/** As many of the newest as there may be; the first one stays whatever its size. */
export function newestWithin(
  records: readonly VersionRecord[],
  bounds: { readonly versionsMax: number; readonly bytesMax: number },
): readonly VersionRecord[] {
  const kept: VersionRecord[] = [];
  let bytes = 0;
  for (const record of [...records].sort((left, right) => right.version - left.version)) {
    bytes += record.bytes;
    if (kept.length >= bounds.versionsMax || (kept.length > 0 && bytes > bounds.bytesMax)) break;
    kept.push(record);
  }
  return kept;
}
