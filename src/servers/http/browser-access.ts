// Lets pages of any origin use a route: Statsig's client SDKs ask from browsers, which ask for leave first (CORS).
import type { FastifyInstance } from 'fastify';

/** Browsers keep to limits of their own below this. */
const LEAVE_S = 86_400;

/** Sent to every client, so that no cache keeps a response without it for a browser. */
export const OPEN_TO_BROWSERS = { 'access-control-allow-origin': '*' } as const;

/**
 * For every route of `scope` that is added behind this, errors too, as SDKs look at the status. `urls` are those whose
 * preflights are answered. This reveals nothing beyond what anyone with the SDK key can get: browsers add no secrets.
 */
export function openToBrowsers(scope: FastifyInstance, urls: readonly string[]): void {
  scope.addHook('onRequest', (_request, reply, done) => {
    reply.headers(OPEN_TO_BROWSERS);
    done();
  });
  for (const url of urls) {
    scope.options(url, (request, reply) => {
      // Not `*`, which browsers before 2022 take for a name.
      const wanted = request.headers['access-control-request-headers'];
      if (wanted !== undefined) reply.header('access-control-allow-headers', wanted);
      return reply
        .code(204)
        .header('access-control-allow-methods', 'GET, HEAD, POST')
        .header('access-control-max-age', String(LEAVE_S))
        .header('vary', 'access-control-request-headers')
        .send();
    });
  }
}
