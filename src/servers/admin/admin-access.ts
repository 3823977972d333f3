// Who may have which route of the admin port: each route declares the scope that it needs, and no other is added.
import type { FastifyInstance } from 'fastify';
import type { Authority } from '../../auth/authority.js';
import type { Scope } from '../../auth/scopes.js';
import { isProbe } from '../http/probe-routes.js';
import { sendRefusal } from '../http/token-refusal.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route of the admin port. */
    readonly needs?: Scope | 'nothing';
  }
}

/** To be called before routes are added. `authority`: undefined where everybody may have everything. */
export function guard(app: FastifyInstance, authority: Authority | undefined): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.needs === undefined && !isProbe(url)) throw new Error(`${url} does not say what it needs`);
  });
  if (authority === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    const { needs = 'nothing' } = request.routeOptions.config;
    if (needs === 'nothing') return;
    const { authorization } = request.headers;
    const answer = await authority.admit({ authorization, address: request.ip }, needs);
    if (answer.kind === 'refused') return sendRefusal(reply, answer, needs);
  });
}
