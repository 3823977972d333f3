// The port through which batches of log events leave, and the four outcomes a delivery can have.
import type { Failure } from '../../../domain/failure.js';

/** One batch on its way. */
export interface EventDelivery {
  readonly sdkKey: string;
  /** The same whenever the same batch is sent. */
  readonly batchId: string;
  /** The SDK's own headers, names in lower case, without the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request's query with its question mark, without a key; empty for none. */
  readonly query: string;
  readonly body: Uint8Array;
}

export type DeliveryOutcome =
  | { readonly kind: 'taken' }
  /** The origin answered 401 or 403: the key may be good again later. */
  | { readonly kind: 'refused'; readonly status: number }
  /**
   * The origin will never take this batch. `detail`: the beginning of what it said, keys masked. `isDoubtful`: it may be
   * the word of something in between, or of an origin that is being set up.
   */
  | {
      readonly kind: 'rejected';
      readonly status: number;
      readonly detail: string;
      readonly isDoubtful: boolean;
    }
  /** Worth another try. */
  | Failure;

export interface EventOrigin {
  /** Sends the batch once; never rejects. */
  deliver(delivery: EventDelivery): Promise<DeliveryOutcome>;
  /** Breaks off what is in flight. */
  close(): Promise<void>;
}
