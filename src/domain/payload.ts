// A config spec as it was accepted from its origin: bytes, and the few facts a reply needs.
import type { NamedValue } from './named-value.js';
import type { PayloadFormat } from './payload-format.js';

/** How bytes are compressed. To clients a protobuf payload's `br` travels under the name `statsig-br`, and `zstd` as `statsig-zstd`. */
export type Encoding = 'identity' | 'gzip' | 'br';
/** Every encoding there is. */
export const ENCODINGS: readonly Encoding[] = ['identity', 'gzip', 'br'];

/** The smallest first. */
export const ENCODINGS_BY_SIZE: readonly Encoding[] = ['br', 'gzip', 'identity'];

/** The same, and what is made for clients only: no origin is asked for it, and no store keeps it. */
export type FormEncoding = Encoding | 'zstd';

/** One encoded form of a body, ready to be sent. */
export interface BodyForm<Coding extends FormEncoding = Encoding> {
  readonly encoding: Coding;
  readonly bytes: Buffer;
  /** Strong validator with its quotes, made of the bytes of this very form. */
  readonly etag: string;
}

export interface Payload {
  /** What was asked for and what came may differ: an origin may answer a protobuf request with JSON. */
  readonly format: PayloadFormat;
  /** The body's `time`: milliseconds since 1970 of the project's last change. A safe integer, 0 or more. */
  readonly version: number;
  /** The body as the origin sent it. */
  readonly originForm: BodyForm;
  /** Size of the body without compression. */
  readonly identityBytes: number;
  /** What the body states as its checksum, in printable ASCII without spaces; undefined where it states none. */
  readonly checksum?: string | undefined;
  /** The values that the body names, each once; undefined or empty where it names none. */
  readonly namedValues?: readonly NamedValue[] | undefined;
}
