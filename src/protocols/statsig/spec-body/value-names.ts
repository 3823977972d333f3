// The values that a spec names instead of holding them, gathered while its body is read.
import type { NamedValue } from '../../../domain/named-value.js';

/** Of one spec. One more is gathered, so that it shows where there are more; SDKs themselves stop at about 50,000. */
export const NAMED_VALUES_MAX = 1_000;

const SHA256 = /^[0-9a-f]{64}$/;

/** Whether it is the name of a value: its SHA-256, written as SDKs write it. */
export function isValueName(text: string): boolean {
  return SHA256.test(text);
}

export class ValueNames {
  readonly #found = new Map<string, NamedValue>();

  /** What is no name of a value is passed over: SDKs refuse a spec with such a one, whatever a proxy does. */
  add(sha256: unknown, byteLength: unknown): void {
    if (typeof sha256 !== 'string' || !isValueName(sha256)) return;
    if (typeof byteLength !== 'number' || !Number.isSafeInteger(byteLength) || byteLength < 0) return;
    if (this.#found.size <= NAMED_VALUES_MAX) this.#found.set(sha256, { sha256, byteLength });
  }

  get found(): readonly NamedValue[] {
    return [...this.#found.values()];
  }
}
