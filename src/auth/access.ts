// What comes of asking: access with its scopes and its end, or why there is none.
import type { Scope } from './scopes.js';
import type { FileToken } from './token-file.js';

export interface Access {
  /** Whose token it is, for people and logs. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** By the wall clock; undefined for none. */
  readonly endsAtMs: number | undefined;
  /** The line of the tokens file that grants it; undefined for a JWT. */
  readonly line: FileToken | undefined;
}

/** The reasons of the answer, too. */
export type AccessFault =
  | 'token_missing'
  /** Neither in the file nor a JWT that verifies, or not a token at all. */
  | 'token_invalid'
  | 'token_expired'
  | 'scope_missing'
  | 'too_many_bad_tokens'
  /** A JWT, and its issuer's keys could not be fetched yet. */
  | 'token_keys_missing';

export interface Refusal {
  readonly kind: 'refused';
  readonly fault: AccessFault;
  /** For the log: what a verifier found, whose token it is. Never any of the token. */
  readonly detail: string;
  readonly retryAfterMs?: number;
}

export function refused(fault: AccessFault, detail = '', retryAfterMs?: number): Refusal {
  return { kind: 'refused', fault, detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

export interface Granted {
  readonly kind: 'granted';
  readonly access: Access;
}
