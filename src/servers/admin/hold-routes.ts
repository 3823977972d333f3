// The routes by which operators hold specs: what a request has to say, and from where a browser may not send it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OPERATE, READ } from '../../auth/scopes.js';
import { addBodyParser } from '../http/body-parser.js';
import { errorBody, sendError } from '../http/error-reply.js';
import type { BodyRoom } from '../http/request-body.js';
import { mayBeOfOtherSite } from './cross-site.js';
import type { ApiAnswer, HoldOrder, Operator, OperatorApi, SpecName } from './operator-api.js';

const HOLD_S_DEFAULT = 12 * 3_600;
const HOLD_S_MAX = 7 * 86_400;
const REASON_CHARACTERS_MAX = 500;

interface HoldRoute {
  readonly Params: SpecName;
}

export type Body = Readonly<Record<string, unknown>>;

/** `spec`: the path of one payload. To be called in a scope of its own: bodies are read here. */
export function addHoldRoutes(
  scope: FastifyInstance,
  api: OperatorApi,
  { path, spec, bodies }: { readonly path: string; readonly spec: string; readonly bodies: BodyRoom },
  answer: (reply: FastifyReply, given: ApiAnswer) => FastifyReply,
): void {
  addBodyParser(scope, bodies, parse);
  scope.get(`${path}/holds`, { config: { needs: READ } }, (_request, reply) =>
    answer(reply, { kind: 'done', body: api.holds() }),
  );
  const add = (
    action: string,
    run: (name: SpecName, body: Body, operator: Operator) => Promise<ApiAnswer> | string,
  ): void => {
    scope.post<HoldRoute>(`${spec}/${action}`, { config: { needs: OPERATE } }, async (request, reply) => {
      if (mayBeOfOtherSite(request)) return sendError(reply, errorBody('cross_site_request', CROSS_SITE));
      const body = request.body as Body | undefined;
      if (body === undefined || !isJson(request)) return invalid(reply, NO_OBJECT);
      const done = run(request.params, body, operatorOf(request));
      return typeof done === 'string' ? invalid(reply, done) : answer(reply, await done);
    });
  };
  add('freeze', (name, body, operator) => {
    const order = readOrder(body, operator);
    return typeof order === 'string' ? order : api.freeze(name, order);
  });
  add('rollback', (name, body, operator) => {
    const order = readOrder(body, operator);
    if (typeof order === 'string') return order;
    const { version } = body;
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) return NO_VERSION;
    return api.rollBack(name, version, order);
  });
  add('refuse', (name, body, operator) => {
    const order = readOrder({ forS: HOLD_S_MAX, ...body }, operator);
    return typeof order === 'string' ? order : api.refuse(name, order);
  });
  add('release', (name, _body, operator) => api.release(name, operator));
}

const CROSS_SITE = 'A page of another site may not change anything here.';
const NO_OBJECT = 'Send a JSON object, with Content-Type: application/json.';
const NO_VERSION = 'Name the version to roll back to: "version", a number of the list of versions.';
const NO_REASON = `Say why: "reason", of 1 to ${REASON_CHARACTERS_MAX} characters.`;
const NO_END = `Say for how long: "forS", 1 to ${HOLD_S_MAX} seconds; ${HOLD_S_DEFAULT} where left out.`;

/** Or what is wrong with it. */
function readOrder({ reason, forS = HOLD_S_DEFAULT }: Body, operator: Operator): HoldOrder | string {
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > REASON_CHARACTERS_MAX)
    return NO_REASON;
  if (typeof forS !== 'number' || !Number.isInteger(forS) || forS < 1 || forS > HOLD_S_MAX) return NO_END;
  return { ...operator, reason, forS };
}

function operatorOf({ operator, ip }: FastifyRequest): Operator {
  return { who: operator === '' ? 'anonymous' : operator, address: ip };
}

function invalid(reply: FastifyReply, text: string): FastifyReply {
  return sendError(reply, errorBody('request_invalid', text));
}

/** Browsers ask before they send this type to another site, and nobody here says yes. */
export function isJson({ headers }: FastifyRequest): boolean {
  return /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '');
}

function parse(body: Buffer): Body | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    // Answered like any other body that is no object.
    return undefined;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
}
