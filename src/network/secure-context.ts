// Which certificate authorities are trusted: parsed once for all connections of all clients that trust the same ones.
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/** By PEM text: the well-known ones alone, and with those of a CA file. */
const CONTEXTS_MAX = 2;
const contexts = new Map<string, SecureContext>();

/** With `caPem`, its authorities besides the well-known ones; parsing those takes some 40 ms. */
export function trustIn(caPem: string | undefined): SecureContext {
  const key = caPem ?? '';
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const context = createSecureContext(caPem === undefined ? {} : { ca: [...rootCertificates, caPem] });
  // When a CA file changes, its former contents stay in the cache.
  for (const oldest of contexts.keys()) {
    if (contexts.size < CONTEXTS_MAX) break;
    contexts.delete(oldest);
  }
  contexts.set(key, context);
  return context;
}
