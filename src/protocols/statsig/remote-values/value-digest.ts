// The proof of a remote value: the hash of its decompressed bytes, taken while they go by.
import { createHash } from 'node:crypto';
import type { BodyReader } from '../../../domain/body-reader.js';

/** Gives the SHA-256 of what was pushed, in lower-case hex. */
export function createDigestReader(): BodyReader<string> {
  const hash = createHash('sha256');
  return {
    // A byte order mark counts too.
    isText: false,
    push: (bytes) => {
      hash.update(bytes);
    },
    end: () => hash.digest('hex'),
  };
}
