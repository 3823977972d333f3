// What is needed to use a Redis: its address and login, and how long commands and stored things may last.
import type { RedisAddress } from './redis-address.js';
import type { ClientTls } from '../../network/secure-context.js';
import type { BodyLimits } from '../../bodies/body-intake.js';
import type { BackupSeal } from '../backup-seal.js';
import type { Lookup } from '../../network/addresses.js';

/**
 * How entries are named. `sha256` is what SDKs' adapters ask for by default; `prefix` is the form of SFP 4, with the
 * first characters of the SDK key.
 */
export type RedisKeySchema = 'sha256' | 'prefix';

export interface RedisOptions {
  readonly address: RedisAddress;
  /** Empty for none. Both are sent as they are, so they may contain any character. */
  readonly user: string;
  readonly password: string;
  /** Empty for none; its text takes the place of `password`. */
  readonly passwordFile: string;
  /** Number of the database; a cluster has 0 only. */
  readonly db: number;
  /** Undefined without TLS. Read at each connection, as what is in it may change. */
  readonly tls: ClientTls | undefined;
  /** For a connection as a whole, with TLS and login. */
  readonly connectTimeoutMs: number;
  /** The system's, where left out. */
  readonly lookup?: Lookup;
  /** How long a lease lasts without renewal. */
  readonly leaseTtlMs: number;
  /** How often a follower tries for the lease. */
  readonly attemptIntervalMs: number;
  /** How long an entry lasts without confirmation. */
  readonly entryTtlS: number;
  /** In front of every name, of the lock's and the channel's too; as it was given, empty for none. */
  readonly keyPrefix: string;
  readonly keySchema: RedisKeySchema;
  /** Also writes v1 specs under the name that SFP 1 used. */
  readonly doubleWriteLegacyKey: boolean;
  readonly instanceName: string;
  /** Whether log events are put into it. */
  readonly takesLogEvents: boolean;
  /** Replicas of the server that have to have log events before they count as kept. */
  readonly logEventReplicasMin: number;
  readonly bodyLimits: BodyLimits;
  readonly seal: BackupSeal;
}
