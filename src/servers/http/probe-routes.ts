// What orchestrators ask: does the process live, did it start up, should it get traffic.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Readiness } from '../readiness.js';

const PROBE = /^\/v1\/(?:health|startup|ready)(?:\?|$)/;

export function isProbe(url = ''): boolean {
  return PROBE.test(url);
}

/**
 * None of these looks at the origin: serving the last good spec while the origin fails is the job, and a probe that
 * failed with the origin would take every replica away at once.
 */
export function addProbeRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/v1/health', (_request, reply) => send(reply, true, 'healthy', 'The process lives.'));
  app.get('/v1/startup', (_request, reply) => {
    return readiness.phase === 'starting'
      ? send(reply, false, 'starting', 'Pinned SDK keys are being fetched for the first time.')
      : send(reply, true, 'started', 'The start is over: pinned SDK keys were tried, for a minute at most.');
  });
  app.get('/v1/ready', (_request, reply) => {
    switch (readiness.phase) {
      case 'starting':
        return send(reply, false, 'starting', 'Pinned SDK keys are being fetched for the first time.');
      case 'serving':
        return send(
          reply,
          true,
          'ready',
          'Send traffic: specs are served, from memory where the origin fails.',
          readiness.unusable,
        );
      case 'draining':
        return send(
          reply,
          false,
          'draining',
          'Shutting down: send no new traffic. What still comes is served for the shutdown delay.',
        );
    }
  });
}

function send(
  reply: FastifyReply,
  isGood: boolean,
  status: string,
  meaning: string,
  unusable: readonly string[] = [],
): FastifyReply {
  const more = unusable.length === 0 ? {} : { unusable };
  const bytes = Buffer.from(JSON.stringify({ status, meaning, ...more }));
  return reply
    .code(isGood ? 200 : 503)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .send(bytes);
}
