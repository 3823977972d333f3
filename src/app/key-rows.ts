// What /status shows of single SDK keys: only of those that are asked for, and a bounded number of them.
import { maskSdkKey } from '../domain/sdk-key.js';

export type KeyFilter = (sdkKey: string) => boolean;

/** Some 400 bytes each. */
const ROWS_MAX = 200;

/**
 * `asked`: beginnings of masked keys, separated by commas, as /status and the log show them; whole keys are fine too. Empty
 * for all. Undefined where nobody asked for single keys. Nothing can be learned of a key beyond its masked form.
 */
export function toKeyFilter(asked: string | undefined): KeyFilter | undefined {
  if (asked === undefined) return undefined;
  const wanted = asked.split(',').map((part) => part.trim());
  return (sdkKey) => {
    const masked = maskSdkKey(sdkKey);
    return wanted.some((part) => masked.startsWith(part) || masked === maskSdkKey(part));
  };
}

/** `rows`: those that matter most come first. */
export function keyRows(rows: readonly object[]): {
  readonly byKey: readonly object[];
  readonly leftOut?: number;
} {
  const leftOut = rows.length - ROWS_MAX;
  return { byKey: rows.slice(0, ROWS_MAX), ...(leftOut > 0 && { leftOut }) };
}
