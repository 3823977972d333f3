// Lets a body in whatever type it claims to have: SDKs name it wrongly or not at all.
import type { FastifyReply, FastifyRequest } from 'fastify';

/** To be run `onRequest`: fastify refuses some names before it looks for a parser. */
export function nameBody(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.raw.headers['content-type'] = 'application/json';
  done();
}
