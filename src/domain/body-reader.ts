// The port through which a body is checked while it arrives, and the fault of a body that is not what it should be.
import type { NamedValue } from './named-value.js';

/** Reads a body piece by piece. Both methods throw a BodyFault as soon as the body is known to be unusable. */
export interface BodyReader<Facts> {
  /** Whether a byte order mark may stand before the body; it is not pushed. */
  readonly isText: boolean;
  push(bytes: Uint8Array): void;
  /** To be called once, after the last piece. */
  end(): Facts;
}

/** What has to be known of a body that comes out of a store. */
export interface StoredFacts {
  /** Whether it is a whole resource: neither "no updates" nor a delta. */
  readonly isServable: boolean;
  /** The version that the body states; undefined where it states none. */
  readonly version: number | undefined;
  /** As in a payload. */
  readonly checksum: string | undefined;
  readonly namedValues?: readonly NamedValue[] | undefined;
}

/** Why a body was not accepted. Stable and machine-readable. */
export type BodyFaultReason =
  | 'empty_body'
  | 'not_json'
  | 'not_utf8'
  | 'not_protobuf'
  | 'body_too_large'
  | 'decoded_body_too_large'
  | 'decoding_failed'
  | 'truncated'
  | 'no_id_lists';

export class BodyFault extends Error {
  override readonly name = 'BodyFault';
  readonly reason: BodyFaultReason;

  constructor(reason: BodyFaultReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
