// Requests of proxies in front of this one: noted, and refused where this one is in front of them.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProxyPath } from '../proxy-path.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';

const LOOP =
  'The request comes from this proxy itself, or from one that asks it: an origin is set to the wrong host.';

/** The refusal of a request that goes in a circle; undefined for all others. */
export function refuseLoop(
  path: ProxyPath,
  { headers: { via } }: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  const isLoop = via !== undefined && path.isLoop(via);
  return isLoop ? sendError(reply, errorBody('proxy_loop', LOOP)) : undefined;
}
