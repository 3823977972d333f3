// Strong entity tags (RFC 9110, 8.8.3): made once for the bytes of a form, compared per request.
import type { Hash } from 'node:crypto';

/** 128 bits of the hash: far beyond accident, and short in a header. */
const ETAG_CHARACTERS = 22;

/** Ends the hash over a form's bytes and gives its ETag, quotes included. */
export function toEtag(hash: Hash): string {
  return `"${hash.digest('base64url').slice(0, ETAG_CHARACTERS)}"`;
}

/** Whether an If-None-Match header names the tag; weak tags are compared by what they hold, as the RFC asks for GET. */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
