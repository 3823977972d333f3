// Which certificate authorities are trusted: parsed once for all connections of all clients that trust the same ones.
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/** By PEM text. There are as many as there are CA files: one. */
const contexts = new Map<string, SecureContext>();

/** With `caPem`, its authorities besides the well-known ones; parsing those takes some 40 ms. */
export function trustIn(caPem: string | undefined): SecureContext {
  const key = caPem ?? '';
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const context = createSecureContext(caPem === undefined ? {} : { ca: [...rootCertificates, caPem] });
  contexts.set(key, context);
  return context;
}
