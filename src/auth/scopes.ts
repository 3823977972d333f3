// What a token may do, in the words of files and claims: scopes of ours, and those of others that pass by unread.
import { hashSdkKey } from '../domain/sdk-key.js';

/** See what the proxy holds and does. */
export const READ = 'sfp::read';
/** Change it. */
export const OPERATE = 'sfp::operate';

/** What is to be had by this scope: one SDK key's specs. It is named by its hash, so that a token shows no key. */
export function keyScope(sdkKey: string): Scope {
  return `sfp::${hashSdkKey(sdkKey)}`;
}

/** The same by the key's hash; undefined for what is none. */
export function scopeOfHash(keyHash: string): Scope | undefined {
  const scope: Scope = `${OURS}${keyHash}`;
  return HASH.test(keyHash) ? scope : undefined;
}

export type Scope = `sfp::${string}`;

export const SCOPE_RULE = 'sfp::read, sfp::operate, or sfp:: and the SHA-256 of an SDK key in 64 hex digits';

const OURS = 'sfp::';
const HASH = /^[0-9a-f]{64}$/;
const VALID = /^sfp::(?:read|operate|[0-9a-f]{64})$/;

/**
 * The scopes of ours among these. Undefined where one is malformed: it was meant to limit the token to something that nobody
 * can tell, so the token is good for nothing.
 */
export function readScopes(names: readonly string[]): ReadonlySet<Scope> | undefined {
  const ours = names.filter((name): name is Scope => name.startsWith(OURS));
  return ours.every((name) => VALID.test(name)) ? new Set(ours) : undefined;
}
