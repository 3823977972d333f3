// JWTs of one issuer, for one audience, signed with one of its public keys; jose does the cryptography.
import type { createLocalJWKSet, JWTPayload } from 'jose';
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { refused, type Granted, type Refusal } from './access.js';
import type { KeySet } from './key-set.js';
import { readScopes, type Scope } from './scopes.js';

export interface JwtRules {
  readonly issuer: string;
  readonly audience: string;
}

/** `unknown-key`: signed with a key that the set does not have, perhaps not yet. */
export type JwtVerdict = Granted | Refusal | { readonly kind: 'unknown-key' };

/** Asymmetric ones only: with HMAC, the public key would be the secret, and `none` is no signature. EdDSA has two names. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];
/** The issuer's clock may be ahead, so that a new token is not valid yet. No token lives longer for it. */
const CLOCK_SKEW_S = 10;
const NAME_CHARACTERS_MAX = 64;

/** What a JWT looks like, before anything of it is understood. */
export function isLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

export class JwtVerifier {
  readonly #rules: JwtRules;
  /** With the keys that jose has imported already. */
  #finder: { readonly keys: KeySet; readonly find: ReturnType<typeof createLocalJWKSet> } | undefined;

  constructor(rules: JwtRules) {
    this.#rules = rules;
  }

  /** Never rejects. */
  async verify(token: string, keys: KeySet, nowMs: number): Promise<JwtVerdict> {
    // When the first JWT comes: most proxies see none, and jose's 46 modules take memory and time at the start.
    const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
    if (this.#finder?.keys !== keys) {
      this.#finder = { keys, find: createLocalJWKSet({ keys: [...keys.keys] }) };
    }
    try {
      const { payload } = await jwtVerify(token, this.#finder.find, {
        ...this.#rules,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_SKEW_S,
        currentDate: new Date(nowMs),
      });
      return judge(payload, nowMs);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return { kind: 'unknown-key' };
      if (error instanceof errors.JWTExpired) return refused('token_expired');
      // jose has fixed sentences; what others say may repeat the token.
      const detail = error instanceof errors.JOSEError ? error.message : 'the key cannot be used';
      return refused('token_invalid', detail);
    }
  }
}

function judge(payload: JWTPayload, nowMs: number): JwtVerdict {
  const name = nameOf(payload);
  const endsAtMs = (payload.exp ?? 0) * 1000;
  if (endsAtMs <= nowMs) return refused('token_expired', name);
  const scopes = scopesOf(payload);
  if (scopes === undefined) return refused('token_invalid', `${name} has a malformed scope`);
  return { kind: 'granted', access: { name, scopes, endsAtMs, line: undefined } };
}

/** `scope` is the standard's claim, a list with spaces; some issuers call it `scp`, and some write an array. */
function scopesOf({ scope, scp }: JWTPayload): ReadonlySet<Scope> | undefined {
  const names = [scope, scp].flatMap((claim) => {
    if (claim === undefined) return [];
    return typeof claim === 'string' ? claim.split(' ') : claim;
  });
  return names.every((name) => typeof name === 'string') ? readScopes(names) : undefined;
}

function nameOf({ sub }: JWTPayload): string {
  if (typeof sub !== 'string' || sub === '') return 'jwt';
  return maskSdkKeysIn(sub.slice(0, NAME_CHARACTERS_MAX).replace(/[^\x21-\x7e]/g, '?'));
}
