// Who may have which route of the admin port: each route declares the scope that it needs, and no other is added.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessFault, Refusal } from '../../auth/access.js';
import type { Authority } from '../../auth/authority.js';
import { READ, scopeOfHash, type Scope } from '../../auth/scopes.js';
import { errorBody, sendError } from '../http/error-reply.js';
import { isProbe } from '../http/probe-routes.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route of the admin port. */
    readonly needs?: Scope | typeof OF_KEY | 'nothing';
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token it came with; empty where none is asked for. */
    operator: string;
  }
}

/** What a route about one SDK key needs, whose hash is this parameter of its path: to see everything, or that key. */
export const OF_KEY = 'of key';
export const KEY_PARAMETER = 'keyHash';

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

/** To be called before routes are added. `authority`: undefined where everybody may have everything. */
export function guard(app: FastifyInstance, authority: Authority | undefined): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.needs === undefined && !isProbe(url)) throw new Error(`${url} does not say what it needs`);
  });
  app.decorateRequest('operator', '');
  if (authority === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    const { needs = 'nothing' } = request.routeOptions.config;
    if (needs === 'nothing') return;
    const { authorization } = request.headers;
    const scopes = scopesFor(request, needs);
    const answer = await authority.admit({ authorization, address: request.ip }, ...scopes);
    if (answer.kind === 'refused') return refuse(reply, answer, scopes);
    request.operator = answer.access.name;
  });
}

/** Any of them is enough. */
function scopesFor(request: FastifyRequest, needs: Scope | typeof OF_KEY): readonly [Scope, ...Scope[]] {
  if (needs !== OF_KEY) return [needs];
  const { [KEY_PARAMETER]: keyHash } = request.params as Partial<Record<typeof KEY_PARAMETER, string>>;
  const ofKey = scopeOfHash(keyHash ?? '');
  return ofKey === undefined ? [READ] : [READ, ofKey];
}

function refuse(
  reply: FastifyReply,
  { fault, retryAfterMs }: Refusal,
  scopes: readonly [Scope, ...Scope[]],
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
