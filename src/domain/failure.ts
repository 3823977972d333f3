// An attempt that brought nothing: why, for programs and for people.

export interface Failure<Reason extends string = string> {
  readonly kind: 'failed';
  /** Stable and machine-readable. */
  readonly reason: Reason;
  /** For people: a status line, a library's error code. Never a URL, a key or a body. */
  readonly detail: string;
  /** How long the other side asked to be left alone. */
  readonly retryAfterMs?: number;
}

export function failed<Reason extends string>(
  reason: Reason,
  detail: string,
  retryAfterMs?: number,
): Failure<Reason> {
  return { kind: 'failed', reason, detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
