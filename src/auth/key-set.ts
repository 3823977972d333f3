// A JSON Web Key Set as text: the public keys in it that may sign tokens, or what is wrong with it.
import type { JWK } from 'jose';

export interface KeySet {
  readonly keys: readonly JWK[];
}

const KEYS_MAX = 100;
/** A symmetric key is `oct`: whoever can verify with it can sign, too. */
const PUBLIC_KEY_TYPES: readonly unknown[] = ['RSA', 'EC', 'OKP'];

/** Or a fault, as the end of a sentence that begins with where the text is from. */
export function readKeySet(text: string): KeySet | string {
  const keys = keysIn(text);
  if (keys === undefined) return 'is not a JSON Web Key Set: {"keys":[…]}';
  if (keys.length > KEYS_MAX) return `has ${keys.length} keys: ${KEYS_MAX} is the limit`;
  const usable = keys.filter(isPublicKey);
  return usable.length > 0 ? { keys: usable } : 'has no public key of RSA, EC or OKP';
}

function keysIn(text: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const { keys } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as { keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    // The caller says so, without the parser's words: these repeat the text.
    return undefined;
  }
}

function isPublicKey(key: unknown): key is JWK {
  return (
    typeof key === 'object' &&
    key !== null &&
    'kty' in key &&
    PUBLIC_KEY_TYPES.includes(key.kty) &&
    !('d' in key)
  );
}
