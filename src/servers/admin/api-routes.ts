// The routes of /api/v1: what operators ask for by name, who may ask, and how often.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { READ } from '../../auth/scopes.js';
import type { Clock } from '../../domain/clock.js';
import { errorBody, sendError } from '../http/error-reply.js';
import type { BodyRoom } from '../http/request-body.js';
import { KEY_PARAMETER, OF_KEY } from './admin-access.js';
import { AnswerCache, toBytes } from './answer-cache.js';
import { ApiRate } from './api-rate.js';
import type { ChangeStreams } from './change-streams.js';
import { isOfOtherSite } from './cross-site.js';
import { addHoldRoutes } from './hold-routes.js';
import { OPENAPI } from './openapi.js';
import type { ApiAnswer, OperatorApi, SpecName } from './operator-api.js';
import { readLimit, readNumber, readText } from './query.js';
import { addTrialRoute } from './trial-route.js';

const API = '/api/v1';
const SPEC = `${API}/specs/:${KEY_PARAMETER}/:api/:format`;
const RETRY_AFTER_S = 1;
/** Rows of a list, where nobody says how many. */
const ROWS = 100;
const SPECS_MAX = 1_000;
const ROWS_MAX = 500;
const AUDIT_LINES_MAX = 1_000;

export interface ApiRooms {
  readonly api: OperatorApi;
  readonly changes: ChangeStreams;
  readonly bodies: BodyRoom;
}

interface Asked {
  readonly Params: SpecName;
  readonly Querystring: Readonly<
    Partial<Record<'limit' | 'cursor' | 'search' | 'from' | 'to' | 'lines', unknown>>
  >;
}

export function addApiRoutes(app: FastifyInstance, clock: Clock, { api, changes, bodies }: ApiRooms): void {
  const rate = new ApiRate(clock);
  app.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
      if (rate.take()) return;
      const text = 'Too many requests to this API: wait a second.';
      return sendError(reply, errorBody('too_many_requests', text), RETRY_AFTER_S);
    });
    const cache = new AnswerCache(clock, () => changes.changes);
    addProxyRoutes(scope, api, cache);
    addSpecRoutes(scope, api, cache);
    addHoldRoutes(scope, api, { path: API, spec: SPEC, bodies }, answer);
    addTrialRoute(scope, api, SPEC, answer);
    const options = { exposeHeadRoute: false, config: { needs: READ } } as const;
    scope.get(`${API}/events`, options, (request, reply) => {
      // A page of another site could read nothing of it, and would take a place.
      if (isOfOtherSite(request)) return sendError(reply, errorBody('cross_site_request', OTHER_SITE));
      return changes.answer(request, reply);
    });
  });
}

/** About the proxy as a whole. */
function addProxyRoutes(scope: FastifyInstance, api: OperatorApi, cache: AnswerCache): void {
  const open = { config: { needs: 'nothing' } } as const;
  const read = { config: { needs: READ } } as const;
  scope.get(`${API}/openapi.json`, open, (_request, reply) => send(reply, OPENAPI));
  scope.get(`${API}/status`, read, ({ url }, reply) =>
    sendBytes(
      reply,
      cache.answer(url, () => api.status()),
    ),
  );
  scope.get(`${API}/log-events`, read, (_request, reply) => send(reply, api.logEvents()));
  scope.get(`${API}/id-lists`, read, (_request, reply) => send(reply, api.idLists()));
  scope.get(`${API}/settings`, read, (_request, reply) => send(reply, api.settings()));
  scope.get<Asked>(`${API}/clients`, read, ({ url, query }, reply) =>
    withLimit(reply, query.limit, ROWS_MAX, (limit) =>
      sendBytes(
        reply,
        cache.answer(url, () => api.clients(limit)),
      ),
    ),
  );
  scope.get<Asked>(`${API}/replicas`, read, ({ query }, reply) =>
    withLimit(reply, query.limit, ROWS_MAX, async (limit) => {
      const search = readText(query.search);
      if (search === undefined) return invalid(reply, LONG_TEXT);
      return send(reply, await api.replicas({ limit, search }));
    }),
  );
  scope.get<Asked>(`${API}/audit`, read, ({ query }, reply) =>
    withLimit(reply, query.lines, AUDIT_LINES_MAX, async (lines) => answer(reply, await api.audit(lines))),
  );
}

function addSpecRoutes(scope: FastifyInstance, api: OperatorApi, cache: AnswerCache): void {
  const ofKey = { config: { needs: OF_KEY } } as const;
  scope.get<Asked>(`${API}/specs`, { config: { needs: READ } }, ({ url, query }, reply) =>
    withLimit(reply, query.limit, SPECS_MAX, (limit) => {
      const [search, cursor] = [readText(query.search), readText(query.cursor)];
      if (search === undefined || cursor === undefined) return invalid(reply, LONG_TEXT);
      const page = { limit, search, after: cursor === '' ? undefined : cursor };
      return sendBytes(
        reply,
        cache.answer(url, () => api.specs(page)),
      );
    }),
  );
  scope.get<Asked>(SPEC, ofKey, ({ params }, reply) => answer(reply, api.spec(params)));
  scope.get<Asked>(`${SPEC}/versions`, ofKey, async ({ params }, reply) =>
    answer(reply, await api.versions(params)),
  );
  scope.get<Asked>(`${SPEC}/clients`, ofKey, ({ params, query }, reply) =>
    withLimit(reply, query.limit, ROWS_MAX, async (limit) =>
      answer(reply, await api.clientsOf(params, limit)),
    ),
  );
  scope.get<Asked>(`${SPEC}/diff`, ofKey, async (request, reply) => {
    const [from, to] = [readNumber(request.query.from), readNumber(request.query.to)];
    if (from === undefined || to === undefined) return invalid(reply, NO_VERSIONS);
    return answer(reply, await api.diff(request.params, from, to));
  });
}

const OTHER_SITE = 'A page of another site may not listen here.';
const LONG_TEXT = 'search and cursor are one text each, of up to 500 characters.';
const NO_VERSIONS = 'Name two versions: ?from=VERSION&to=VERSION, as the list of versions has them.';

function withLimit<Done>(
  reply: FastifyReply,
  given: unknown,
  max: number,
  use: (limit: number) => Done,
): Done | FastifyReply {
  const limit = readLimit(given, ROWS, max);
  return limit === undefined ? invalid(reply, `Say how many rows: 1 to ${max}.`) : use(limit);
}

function invalid(reply: FastifyReply, text: string): FastifyReply {
  return sendError(reply, errorBody('request_invalid', text));
}

function answer(reply: FastifyReply, given: ApiAnswer): FastifyReply {
  if (given.kind === 'done') return send(reply, given.body);
  return sendError(reply, errorBody(given.reason, given.message));
}

function send(reply: FastifyReply, body: object): FastifyReply {
  return sendBytes(reply, toBytes(body));
}

function sendBytes(reply: FastifyReply, bytes: Buffer): FastifyReply {
  return reply.header('content-type', 'application/json').send(bytes);
}
