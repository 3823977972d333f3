// What is read out of a body before it may replace a good one, and the fault of a body that is not what was asked for.

export interface SpecFacts {
  /** The body's `has_updates`; undefined where it is missing or no boolean. */
  readonly hasUpdates: boolean | undefined;
  /** The body's `time`; undefined where it is missing or no safe integer of 0 or more, and of ID lists, which have none. */
  readonly time: number | undefined;
  /** The body only makes sense to a client that holds the version before it. */
  readonly isDelta: boolean;
}

/** Reads a body piece by piece. Both methods throw a SpecBodyFault as soon as the body is known to be no spec. */
export interface SpecReader {
  push(bytes: Uint8Array): void;
  /** To be called once, after the last piece. */
  end(): SpecFacts;
}

/** Stable, machine-readable reasons why a body was not accepted. */
export type SpecBodyReason =
  | 'empty_body'
  | 'not_json'
  | 'not_utf8'
  | 'not_protobuf'
  | 'no_id_lists'
  | 'body_too_large'
  | 'decoded_body_too_large'
  | 'decoding_failed'
  | 'truncated';

export class SpecBodyFault extends Error {
  override readonly name = 'SpecBodyFault';
  readonly reason: SpecBodyReason;

  constructor(reason: SpecBodyReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** `time` as a version, or undefined where it cannot be one. */
export function readTime(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
