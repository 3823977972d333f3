// What went wrong with Redis, as codes: the text or arguments of an error may contain a password or a body.
import type { SnapshotFailureReason } from '../snapshots.js';

/** The connection failed, whatever was sent over it. */
const CONNECTION_REASONS: readonly SnapshotFailureReason[] = [
  'connection_refused',
  'connection_lost',
  'connect_timeout',
  'command_timeout',
  'dns_failed',
  'tls_failed',
];

export class RedisFault extends Error {
  override readonly name = 'RedisFault';
  readonly reason: SnapshotFailureReason;
  /** For people: the first word of Redis' answer, or a network error code. Empty if there is none. */
  readonly code: string;

  constructor(reason: SnapshotFailureReason, code = '') {
    super(code === '' ? reason : `${reason} (${code})`);
    this.reason = reason;
    this.code = code;
  }

  get isOfConnection(): boolean {
    return CONNECTION_REASONS.includes(this.reason);
  }
}

/** Network error codes, and the first words of Redis' error answers. */
const REASONS: ReadonlyMap<string, SnapshotFailureReason> = new Map<string, SnapshotFailureReason>([
  ['ECONNREFUSED', 'connection_refused'],
  ['EHOSTUNREACH', 'connection_refused'],
  ['ENETUNREACH', 'connection_refused'],
  ['ECONNRESET', 'connection_lost'],
  ['EPIPE', 'connection_lost'],
  ['ETIMEDOUT', 'connect_timeout'],
  ['ENOTFOUND', 'dns_failed'],
  ['EAI_AGAIN', 'dns_failed'],
  ['EPROTO', 'tls_failed'],
  ['NOAUTH', 'auth_failed'],
  ['WRONGPASS', 'auth_failed'],
  ['NOPERM', 'auth_failed'],
  ['LOADING', 'loading'],
  ['READONLY', 'read_only'],
  // Too few replicas, or a disk that cannot be written: Redis takes no writes then.
  ['NOREPLICAS', 'read_only'],
  ['MISCONF', 'read_only'],
  // A replica that lost its master and refuses everything.
  ['MASTERDOWN', 'read_only'],
  ['OOM', 'out_of_memory'],
  ['CLUSTERDOWN', 'cluster_down'],
]);
const TLS_CODES = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** Answers whose first word says nothing, and errors of ioredis, which have no code. */
const TEXTS: readonly (readonly [RegExp, SnapshotFailureReason, string])[] = [
  [/Connection is closed|^Stream isn't writeable|^Cluster is (?:ended|disconnect)/, 'connection_lost', ''],
  [/^None of startup nodes is available|^Node is disconnected/, 'connection_refused', ''],
  [/^Command timed out$/, 'command_timeout', ''],
  [/^timeout$/, 'connect_timeout', ''],
  [/^ERR invalid password/, 'auth_failed', 'ERR'],
  [/The user executing the script can't/, 'auth_failed', 'NOPERM'],
  [/^(?:ERR )?CROSSSLOT/, 'redis_error', 'CROSSSLOT'],
  [/^ERR DB index is out of range/, 'redis_error', 'DB_INDEX'],
  [/^ERR max number of clients/, 'redis_error', 'MAX_CLIENTS'],
];

/** Any error of ioredis as a fault. */
export function toRedisFault(error: unknown): RedisFault {
  if (error instanceof RedisFault) return error;
  if (!(error instanceof Error)) return new RedisFault('redis_error');
  // ioredis' error for a cluster of which no node answered.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error)
    return toRedisFault(error.lastNodeError);
  // Every address of a host failed.
  if (error instanceof AggregateError) return toRedisFault(error.errors[0]);
  if ('code' in error && typeof error.code === 'string') {
    const reason = REASONS.get(error.code) ?? (TLS_CODES.test(error.code) ? 'tls_failed' : undefined);
    if (reason !== undefined) return new RedisFault(reason, error.code);
  }
  const known = TEXTS.find(([pattern]) => pattern.test(error.message));
  if (known !== undefined) return new RedisFault(known[1], known[2]);
  return byWords(error.message);
}

/**
 * The word comes first in an answer, but older releases wrap a script's error in another one.
 */
function byWords(message: string): RedisFault {
  const words = message.match(/\b[A-Z][A-Z0-9_]{1,31}\b/g) ?? [];
  for (const word of words) {
    const reason = REASONS.get(word);
    if (reason !== undefined) return new RedisFault(reason, word);
  }
  return new RedisFault('redis_error', /^[A-Z][A-Z0-9_]{1,31}\b/.exec(message)?.[0] ?? '');
}
