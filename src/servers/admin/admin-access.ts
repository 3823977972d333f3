// Who may have which route of the admin port: each route declares the scope that it needs, and no other is added.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authority } from '../../auth/authority.js';
import { READ, scopeOfHash, type Scope } from '../../auth/scopes.js';
import { isProbe } from '../http/probe-routes.js';
import { sendRefusal } from '../http/token-refusal.js';

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
    /** Calls back once, when that token has come to its end, perhaps at once; returns what ends the watch. */
    whileGranted: (ended: () => void) => () => void;
  }
}

/** What a route about one SDK key needs, whose hash is this parameter of its path: to see everything, or that key. */
export const OF_KEY = 'of key';
export const KEY_PARAMETER = 'keyHash';

/** To be called before routes are added. `authority`: undefined where everybody may have everything. */
export function guard(app: FastifyInstance, authority: Authority | undefined): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.needs === undefined && !isProbe(url)) throw new Error(`${url} does not say what it needs`);
  });
  app.decorateRequest('operator', '');
  app.decorateRequest('whileGranted', forEver);
  if (authority === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    const { needs = 'nothing' } = request.routeOptions.config;
    if (needs === 'nothing') return;
    const { authorization } = request.headers;
    const scopes = scopesFor(request, needs);
    const answer = await authority.admit({ authorization, address: request.ip }, ...scopes);
    if (answer.kind === 'refused') return sendRefusal(reply, answer, ...scopes);
    request.operator = answer.access.name;
    request.whileGranted = (ended) => authority.whileGranted(answer.access, ended);
  });
}

/** Without a token there is no end of one. */
function forEver(): () => void {
  return () => undefined;
}

/** Any of them is enough. */
function scopesFor(request: FastifyRequest, needs: Scope | typeof OF_KEY): readonly [Scope, ...Scope[]] {
  if (needs !== OF_KEY) return [needs];
  const { [KEY_PARAMETER]: keyHash } = request.params as Partial<Record<typeof KEY_PARAMETER, string>>;
  const ofKey = scopeOfHash(keyHash ?? '');
  return ofKey === undefined ? [READ] : [READ, ofKey];
}
