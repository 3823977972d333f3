// What is read out of the body of a spec before it may replace a good one.
import type { NamedValue } from '../../../domain/named-value.js';

export interface SpecFacts {
  /** The body's `has_updates`; undefined where it is missing or no boolean. */
  readonly hasUpdates: boolean | undefined;
  /** The body's `time`; undefined where it is missing or no safe integer of 0 or more, and of ID lists, which have none. */
  readonly time: number | undefined;
  /** The body's `checksum`; undefined where it is missing, or is nothing that a header could say. */
  readonly checksum: string | undefined;
  /** The body only makes sense to a client that holds the version before it. */
  readonly isDelta: boolean;
  /** Values of dynamic configs that the body names instead of holding them; no more than `NAMED_VALUES_MAX` and one. */
  readonly namedValues: readonly NamedValue[];
}

const CHECKSUM = /^[\x21-\x7e]{1,128}$/;

/** The value as a checksum, or undefined where it cannot be one. */
export function readChecksum(value: unknown): string | undefined {
  return typeof value === 'string' && CHECKSUM.test(value) ? value : undefined;
}
