// The answer to a request whose access token is missing, bad, or not good enough for what it asks.
import type { FastifyReply } from 'fastify';
import type { AccessFault, Refusal } from '../../auth/access.js';
import type { Scope } from '../../auth/scopes.js';
import { errorBody, sendError } from './error-reply.js';

const TEXTS: Readonly<Record<AccessFault, string>> = {
  token_missing:
    'Send an access token: Authorization: Bearer TOKEN. Beyond loopback everything but probes and /metrics needs one, ' +
    'unless --admin-without-token is set.',
  token_invalid: 'This access token is not known here: neither in the tokens file, nor a JWT that verifies.',
  token_expired: 'This access token has expired.',
  scope_missing: 'This access token lacks the scope that is needed:',
  too_many_bad_tokens: 'Too many bad tokens came from this address: wait.',
  token_keys_missing: 'The keys of the token issuer could not be fetched yet: try again.',
};

/** Each one of `scopes` alone would have been enough. */
export function sendRefusal(
  reply: FastifyReply,
  { fault, retryAfterMs }: Refusal,
  ...scopes: readonly [Scope, ...Scope[]]
): FastifyReply {
  const challenge = challengeOf(fault, scopes[0]);
  if (challenge !== undefined) reply.header('www-authenticate', challenge);
  reply.header('cache-control', 'no-store');
  const text = fault === 'scope_missing' ? `${TEXTS[fault]} ${scopes.join(' or ')}.` : TEXTS[fault];
  const retryAfterS = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  return sendError(reply, errorBody(fault, text), retryAfterS);
}

/** As RFC 6750 words it; undefined where another token would not help. */
function challengeOf(fault: AccessFault, needs: Scope): string | undefined {
  switch (fault) {
    case 'token_missing':
      return 'Bearer';
    case 'token_invalid':
    case 'token_expired':
      return 'Bearer error="invalid_token"';
    case 'scope_missing':
      return `Bearer error="insufficient_scope", scope="${needs}"`;
    case 'too_many_bad_tokens':
    case 'token_keys_missing':
      return undefined;
  }
}
