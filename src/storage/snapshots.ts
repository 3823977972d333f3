// The port to where specs outlive this process (Redis, a disk): four verbs, and the outcomes each can have.
import type { Payload } from '../domain/payload.js';
import type { DiskFailureReason } from '../files/disk-health.js';
import type { PayloadKey } from '../domain/payload-key.js';

export interface Snapshot {
  readonly payload: Payload;
  /** How long ago the origin last confirmed this version to any process that stores it here, by the clock of this place. */
  readonly confirmedAgoMs: number;
  /** The replica that did so, in a place that knows. */
  readonly confirmedBy?: string | undefined;
}

/** Why a place did not do what it was asked. Stable and machine-readable. */
export type SnapshotFailureReason =
  | DiskFailureReason
  | 'connecting'
  | 'connection_refused'
  | 'connection_lost'
  | 'connect_timeout'
  | 'command_timeout'
  | 'dns_failed'
  | 'tls_failed'
  | 'auth_failed'
  | 'loading'
  | 'read_only'
  | 'out_of_memory'
  | 'cluster_down'
  | 'redis_error';

/** What is stored under a payload's name, where it is nothing that may be served. */
export type SnapshotFault =
  /** Another kind of Redis value: another program writes under our name. */
  | 'wrong_type'
  /** Stored for another SDK key, under a name that both share. */
  | 'foreign_key'
  /** Not written by us, or by a release with another layout. */
  | 'unknown_format'
  /** Shorter than it was written, or with other bytes. */
  | 'torn'
  /** No spec that could be served. */
  | 'no_spec'
  /** Sealed with a data key that is not at hand: it stays as it is until something newer takes its place. */
  | 'data_key_missing';

export type Failing =
  | { readonly kind: 'unusable'; readonly fault: SnapshotFault }
  | { readonly kind: 'failed'; readonly reason: SnapshotFailureReason };

export type Loading =
  { readonly kind: 'found'; readonly snapshot: Snapshot } | { readonly kind: 'missing' } | Failing;

export type Storing =
  /**
   * This version is stored, and what was said of its confirmation is noted. `othersAgoMs`: how long ago another process
   * had confirmed it, where the last confirmation before this one was not our own.
   */
  | { readonly kind: 'stored'; readonly othersAgoMs?: number }
  /** A newer version is stored, and was left as it is. */
  | { readonly kind: 'newer'; readonly version: number }
  | Failing;

export type Confirming =
  | Storing
  /** Nothing is stored, or an older version: this one has to be saved. */
  | { readonly kind: 'behind' };

export type Removing = { readonly kind: 'removed' } | { readonly kind: 'missing' } | Failing;

/**
 * How long a body is waited for. `client`: a client waits for an answer, and the origin can be asked instead; a place that
 * may be slow gives up within about 1.5 s. `background`: no client waits, and a large body may take its time.
 */
export type LoadPatience = 'client' | 'background';

/**
 * Stored versions never go back, whichever process writes, within what a place can do in one step: where a look and a write are
 * two, as on a disk, a version that another process writes in between may be replaced by an older one, until its next
 * confirmation. No method rejects, and each ends within a deadline of its own.
 */
export interface Snapshots {
  /** `patience` is `background` by default. */
  load(key: PayloadKey, patience?: LoadPatience): Promise<Loading>;
  /** `confirmedAgoMs`: how long ago the origin confirmed it, just now where left out. A later confirmation stays. */
  save(key: PayloadKey, payload: Payload, confirmedAgoMs?: number): Promise<Storing>;
  /** The origin has just said that `version` is its newest. */
  confirm(key: PayloadKey, version: number): Promise<Confirming>;
  remove(key: PayloadKey): Promise<Removing>;
  /** Calls after it fail with `closed`. */
  close(): Promise<void>;
}
