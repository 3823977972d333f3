// The routes of /api/v1: what operators ask for by name, who may ask, and how often.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { READ } from '../../auth/scopes.js';
import type { Clock } from '../../domain/clock.js';
import { errorBody, sendError } from '../http/error-reply.js';
import { KEY_PARAMETER, OF_KEY } from './admin-access.js';
import { addHoldRoutes } from './hold-routes.js';
import type { BodyRoom } from '../http/request-body.js';
import { ApiRate } from './api-rate.js';
import { OPENAPI } from './openapi.js';
import type { ApiAnswer, OperatorApi, SpecName } from './operator-api.js';

const API = '/api/v1';
const SPEC = `${API}/specs/:${KEY_PARAMETER}/:api/:format`;
const RETRY_AFTER_S = 1;
const VERSION = /^\d{1,16}$/;

interface SpecRoute {
  readonly Params: SpecName;
}

interface DiffRoute extends SpecRoute {
  readonly Querystring: { readonly from?: unknown; readonly to?: unknown };
}

interface AuditRoute {
  readonly Querystring: { readonly lines?: unknown };
}

const AUDIT_LINES = 100;
const AUDIT_LINES_MAX = 1_000;

export function addApiRoutes(app: FastifyInstance, clock: Clock, api: OperatorApi, bodies: BodyRoom): void {
  const rate = new ApiRate(clock);
  app.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      if (rate.take()) return;
      const text = 'Too many requests to this API: wait a second.';
      return sendError(reply, errorBody('too_many_requests', text), RETRY_AFTER_S);
    });
    scope.get(`${API}/openapi.json`, { config: { needs: 'nothing' } }, (_request, reply) =>
      send(reply, OPENAPI),
    );
    scope.get(`${API}/specs`, { config: { needs: READ } }, (_request, reply) => send(reply, api.specs()));
    scope.get<SpecRoute>(`${SPEC}/versions`, { config: { needs: OF_KEY } }, async ({ params }, reply) =>
      answer(reply, await api.versions(params)),
    );
    scope.get<DiffRoute>(`${SPEC}/diff`, { config: { needs: OF_KEY } }, async (request, reply) => {
      const [from, to] = [readVersion(request.query.from), readVersion(request.query.to)];
      if (from === undefined || to === undefined) {
        const text = 'Name two versions: ?from=VERSION&to=VERSION, as the list of versions has them.';
        return sendError(reply, errorBody('request_invalid', text));
      }
      return answer(reply, await api.diff(nameOf(request), from, to));
    });
    scope.get<AuditRoute>(`${API}/audit`, { config: { needs: READ } }, async ({ query }, reply) => {
      const lines = query.lines === undefined ? AUDIT_LINES : readVersion(query.lines);
      if (lines === undefined || lines < 1 || lines > AUDIT_LINES_MAX) {
        const text = `Say how many of the newest lines: ?lines=1 to ${AUDIT_LINES_MAX}.`;
        return sendError(reply, errorBody('request_invalid', text));
      }
      return answer(reply, await api.audit(lines));
    });
    addHoldRoutes(scope, api, { path: API, spec: SPEC, bodies }, answer);
  });
}

function nameOf({ params }: FastifyRequest<SpecRoute>): SpecName {
  return params;
}

function readVersion(text: unknown): number | undefined {
  return typeof text === 'string' && VERSION.test(text) ? Number(text) : undefined;
}

function answer(reply: FastifyReply, given: ApiAnswer): FastifyReply {
  if (given.kind === 'done') return send(reply, given.body);
  return sendError(reply, errorBody(given.reason, given.message));
}

function send(reply: FastifyReply, body: object): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(`${JSON.stringify(body)}\n`));
}
