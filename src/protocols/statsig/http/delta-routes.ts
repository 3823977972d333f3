// GET and HEAD of deltas, which only an SFP in front asks for: answered as by one whose deltas are off, so that it asks for whole specs.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { asksForProtobuf, readSinceTime } from './request-key.js';
import { describe, namedKey } from './spec-routes.js';
import { SPEC_V2 } from '../resource-kinds.js';
import { errorBody, sendError } from '../../../servers/http/error-reply.js';
import { NOT_PINNED } from '../../../servers/reading-text.js';

export function addDeltaRoutes(app: FastifyInstance, admits: (sdkKey: string) => boolean): void {
  app.get(`${SPEC_V2.path}_deltas/:file`, (request, reply) => {
    if (!admits(namedKey(request) ?? '')) return sendError(reply, errorBody('key_not_pinned', NOT_PINNED));
    const asked = describe(SPEC_V2, request, (request.query as { sinceTime?: unknown }).sinceTime);
    if (!asksForProtobuf(asked))
      return refuse(reply, 400, 'Deltas are protobuf only: send supports_proto=true.');
    const sinceTime = readSinceTime(asked.sinceTime) ?? 0;
    if (sinceTime <= 0)
      return refuse(reply, 400, 'Send sinceTime: the version held, in milliseconds since 1970.');
    return refuse(reply, 503, 'Deltas are not computed: ask for /v2/download_config_specs.');
  });
}

function refuse(reply: FastifyReply, status: 400 | 503, text: string): FastifyReply {
  return reply.code(status).header('content-type', 'text/plain; charset=utf-8').send(text);
}
