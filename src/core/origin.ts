// The port through which payloads are fetched, and the four outcomes a fetch can have.
import type { Failure } from '../domain/failure.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { Encoding, Payload } from '../domain/payload.js';

export type FetchOutcome =
  /** `relayedMs`: how old the answer was when it came, where other proxies relayed it. */
  | { readonly kind: 'updated'; readonly payload: Payload; readonly relayedMs?: number }
  /** The origin confirmed that the version held is the newest. */
  | { readonly kind: 'unchanged'; readonly relayedMs?: number }
  /** The origin answered 401 or 403: the only way a key can be known to be bad. */
  | { readonly kind: 'unauthorized'; readonly status: number }
  | Failure;

export interface Origin {
  /**
   * Asks for the payload; never rejects. `sinceTime` is the version held, 0 where there is none. `wanted` is the encoding
   * that spares recompressing, where one is known: the origin may send another.
   * No client's own `sinceTime`, `checksum` or `accept_deltas` gets here, so every body that comes is a full one.
   */
  fetch(key: PayloadKey, sinceTime: number, wanted?: Encoding): Promise<FetchOutcome>;
  close(): Promise<void>;
}
