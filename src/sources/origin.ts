// The port through which specs are fetched, and the four outcomes a fetch can have.
import type { PayloadKey } from '../domain/payload-key.js';
import type { Payload } from '../domain/payload.js';
import type { SpecBodyReason } from './spec-body/spec-facts.js';

/** Why a fetch brought nothing. Stable and machine-readable; `status_<n>` carries the origin's HTTP status. */
export type FailureReason =
  | SpecBodyReason
  | `status_${number}`
  | 'connect_timeout'
  | 'headers_timeout'
  | 'body_timeout'
  | 'request_timeout'
  | 'connection_refused'
  | 'connection_lost'
  | 'dns_failed'
  | 'tls_failed'
  | 'outbound_proxy_failed'
  | 'redirect_refused'
  | 'bad_http'
  | 'network'
  | 'foreign_answer'
  | 'unsupported_encoding'
  | 'unasked_protobuf'
  | 'no_has_updates'
  | 'no_time'
  | 'delta'
  | 'no_spec_sent'
  | 'older_than_held'
  | 'closed';

export interface FetchFailure {
  readonly kind: 'failed';
  readonly reason: FailureReason;
  /** For people: a status line, a library's error code. Never a URL, a key or a body. */
  readonly detail: string;
  /** How long the origin asked to be left alone. */
  readonly retryAfterMs?: number;
}

export type FetchOutcome =
  | { readonly kind: 'updated'; readonly payload: Payload }
  /** The origin confirmed that the version held is the newest. */
  | { readonly kind: 'unchanged' }
  /** The origin answered 401 or 403: the only way a key can be known to be bad. */
  | { readonly kind: 'unauthorized'; readonly status: number }
  | FetchFailure;

export interface Origin {
  /**
   * Asks for the payload; never rejects. `sinceTime` is the version held, 0 where there is none.
   * No client's own `sinceTime`, `checksum` or `accept_deltas` gets here, so every body that comes is a full one.
   */
  fetch(key: PayloadKey, sinceTime: number): Promise<FetchOutcome>;
  close(): Promise<void>;
}

export function failed(reason: FailureReason, detail: string, retryAfterMs?: number): FetchFailure {
  return { kind: 'failed', reason, detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
