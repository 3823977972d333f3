// What a replica says of itself where all replicas share something: who it is, and which version it holds of which spec.
import { recordKind } from '../versions/stored-record.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { readVersion } from '../../domain/version.js';

export interface ReplicaFacts {
  /** Of one process: a replica that starts again is another one. */
  readonly id: string;
  readonly name: string;
  readonly release: string;
  /** By the wall clock of that replica. */
  readonly startedAtMs: number;
}

export interface ReplicaRecord extends ReplicaFacts {
  /** By payload: as `placeOf` names it. */
  readonly versions: Readonly<Record<string, number>>;
}

/** Versions in one record, some 40 bytes each. */
export const RECORD_VERSIONS_MAX = 2_000;
/** Enough that no two keys of a fleet begin with the same. */
const HASH_CHARACTERS = 16;

export const REPLICAS_KEY: PayloadKey = {
  sdkKey: 'all',
  kind: recordKind('replicas', '/replicas'),
  format: 'json',
};

/** `@` stands in no SDK key, so no key has this name. */
export function replicaKey(id: string): PayloadKey {
  return { sdkKey: `@${id}`, kind: recordKind('replica', '/replica'), format: 'json' };
}

/** The same for the same payload on every replica; tells nothing of the SDK key. */
export function placeOf(keyHash: string, { kind, format }: Pick<PayloadKey, 'kind' | 'format'>): string {
  return `${keyHash.slice(0, HASH_CHARACTERS)}/${kind.name}/${format}`;
}

/** Undefined for what is no record of ours. */
export function readReplica(value: unknown): ReplicaRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, name, release, startedAtMs, versions } = value as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || typeof name !== 'string' || typeof release !== 'string') return undefined;
  const started = readVersion(startedAtMs);
  if (started === undefined || typeof versions !== 'object' || versions === null) return undefined;
  const known = Object.entries(versions).flatMap(([place, given]): [string, number][] => {
    const version = readVersion(given);
    return version === undefined ? [] : [[place, version]];
  });
  return { id, name, release, startedAtMs: started, versions: Object.fromEntries(known) };
}

/** The ids of a stored list of replicas; what is none is left out. */
export function readIds(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? (value as unknown[]).filter((id): id is string => typeof id === 'string')
    : [];
}
