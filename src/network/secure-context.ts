// What this program trusts and shows as a TLS client: parsed once for all connections that trust and show the same.
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/** PEM text of a certificate, with those that lead to its authority behind it, and of its key. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
}

export interface ClientTls {
  /** PEM text of certificate authorities to trust besides the well-known ones. */
  readonly caPem: string | undefined;
  /** Shown to servers that ask for a certificate. */
  readonly identity?: ClientIdentity | undefined;
}

/** For origins and for Redis: what each of them trusts and shows now, and did before the last change. */
const CONTEXTS_MAX = 4;
/** By what they were made of; the one that was used last comes last. */
const contexts = new Map<string, SecureContext>();

/** With `caPem`, its authorities besides the well-known ones; parsing those takes some 40 ms. */
export function secureContextOf({ caPem, identity }: ClientTls): SecureContext {
  const key = JSON.stringify([caPem, identity?.cert, identity?.key]);
  const context =
    contexts.get(key) ??
    createSecureContext({ ...identity, ...(caPem !== undefined && { ca: [...rootCertificates, caPem] }) });
  contexts.delete(key);
  contexts.set(key, context);
  // When a file changes, what was made of its former contents stays until something else takes its place.
  for (const oldest of contexts.keys()) {
    if (contexts.size <= CONTEXTS_MAX) break;
    contexts.delete(oldest);
  }
  return context;
}
