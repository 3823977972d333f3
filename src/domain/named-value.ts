// A value that a spec names instead of holding it: SDKs fetch it by its hash, and check both facts.

export interface NamedValue {
  /** Of the value without compression, in lower-case hex. */
  readonly sha256: string;
  readonly byteLength: number;
}
