// Small JSON documents in the places where payloads are kept: read whole, and changed so that no writer undoes another's change.
import { createHash } from 'node:crypto';
import { BodyFault, type BodyReader, type StoredFacts } from '../../domain/body-reader.js';
import type { Clock } from '../../domain/clock.js';
import { toEtag } from '../../domain/etag.js';
import { ownBytes } from '../../domain/own-copy.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import type { ResourceKind } from '../../domain/resource-kind.js';
import { readVersion } from '../../domain/version.js';
import type { Snapshots } from '../../storage/snapshots.js';

/** Writers that meet try again with what the other one wrote. */
const TRIES_MAX = 5;
/** The version of what is stored and cannot be read. */
const UNUSABLE = -1;

/** `name` and `path` as in a resource kind. No SDK looks for such a document, so its name in Redis is a hash in every schema. */
export function recordKind(name: string, path: string): ResourceKind {
  return {
    name,
    path,
    noun: 'record',
    formats: ['json'],
    versions: 'stated',
    isContentAddressed: true,
    hasLegacyName: false,
    createStoredReader: createRecordReader,
  };
}

export type RecordReading =
  /** `value`: undefined where nothing usable is stored. `agoMs`: since it was last written or confirmed, by the place's clock. */
  | { readonly kind: 'read'; readonly version: number; readonly value: unknown; readonly agoMs: number }
  | { readonly kind: 'failed' };

/** Never rejects. */
export async function readRecord(place: Snapshots, key: PayloadKey): Promise<RecordReading> {
  const loading = await place.load(key, 'client');
  if (loading.kind === 'failed') return loading;
  if (loading.kind === 'missing') return { kind: 'read', version: 0, value: undefined, agoMs: Infinity };
  // What is stored may be read again: it must not be overwritten.
  if (loading.kind === 'unusable' && loading.fault === 'data_key_missing') return { kind: 'failed' };
  if (loading.kind !== 'found') return { kind: 'read', version: UNUSABLE, value: undefined, agoMs: Infinity };
  const { payload, confirmedAgoMs: agoMs } = loading.snapshot;
  return { kind: 'read', version: payload.version, value: parse(payload.originForm.bytes)?.value, agoMs };
}

/**
 * Stores what `change` makes of the value that is stored; `change` gives undefined where nothing is to be done. Returns
 * whether the value is now as it should be. Never rejects.
 */
export async function changeRecord(
  clock: Clock,
  place: Snapshots,
  key: PayloadKey,
  change: (value: unknown) => unknown,
): Promise<boolean> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const before = await readRecord(place, key);
    if (before.kind === 'failed') return false;
    const value = change(before.value);
    if (value === undefined) return true;
    // The next number, so that of two writers who read the same one is stored and the other reads again.
    const isUnusable = before.version === UNUSABLE;
    const payload = toRecordPayload(isUnusable ? clock.nowMs() : before.version + 1, value);
    const stored = await place.save(key, payload);
    if (stored.kind === 'failed' || stored.kind === 'unusable') return false;
    const after = await place.load(key);
    if (after.kind === 'found' && after.snapshot.payload.originForm.bytes.equals(payload.originForm.bytes))
      return true;
  }
  return false;
}

/** A document whose only writer counts what it writes. */
export function toRecordPayload(version: number, value: unknown): Payload {
  const bytes = ownBytes([Buffer.from(JSON.stringify({ version, value }))]);
  const etag = toEtag(createHash('sha256').update(bytes));
  const originForm = { encoding: 'identity', bytes, etag } as const;
  return { format: 'json', version, originForm, identityBytes: bytes.length };
}

function parse(bytes: Buffer): { readonly version: number; readonly value: unknown } | undefined {
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString());
  } catch {
    // Whatever wrote that, it was not us.
    return undefined;
  }
  if (typeof content !== 'object' || content === null) return undefined;
  const { version, value } = content as Readonly<Record<string, unknown>>;
  const read = readVersion(version);
  return read === undefined ? undefined : { version: read, value };
}

function createRecordReader(): BodyReader<StoredFacts> {
  const pieces: Uint8Array[] = [];
  return {
    isText: false,
    push: (bytes) => {
      // A piece is valid within the call only.
      pieces.push(Buffer.from(bytes));
    },
    end: () => {
      const read = parse(Buffer.concat(pieces));
      if (read === undefined) throw new BodyFault('not_json', 'the record is not one of ours');
      return { isServable: true, version: read.version, checksum: undefined };
    },
  };
}
