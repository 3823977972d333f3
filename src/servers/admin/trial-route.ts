// The route by which operators try a project's configs against a context: it changes nothing.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, sendError } from '../http/error-reply.js';
import { OF_KEY } from './admin-access.js';
import { isJson, type Body } from './hold-routes.js';
import type { ApiAnswer, OperatorApi, SpecName, Trial } from './operator-api.js';

const CONFIGS = 100;
const CONFIGS_MAX = 500;
const NAME_CHARACTERS_MAX = 500;
const PROPERTIES_MAX = 500;

/** `spec`: the path of one payload. To be called in a scope where bodies of JSON are read. */
export function addTrialRoute(
  scope: FastifyInstance,
  api: OperatorApi,
  spec: string,
  answer: (reply: FastifyReply, given: ApiAnswer) => FastifyReply,
): void {
  scope.post<{ readonly Params: SpecName }>(
    `${spec}/evaluate`,
    { config: { needs: OF_KEY } },
    async (request, reply) => {
      const trial = readTrial(request);
      if (trial === undefined) return sendError(reply, errorBody('request_invalid', NO_TRIAL));
      return answer(reply, await api.evaluate(request.params, trial));
    },
  );
}

const NO_TRIAL =
  'Send a JSON object, with Content-Type: application/json: "context" with texts, numbers, booleans and nulls by name, ' +
  `up to ${PROPERTIES_MAX} of them, and where wanted "config", the name of one, "search", words of names, and "limit", 1 to ${CONFIGS_MAX}.`;

function readTrial(request: FastifyRequest): Trial | undefined {
  const body = request.body as Body | undefined;
  if (body === undefined || !isJson(request)) return undefined;
  const { context = {}, config, search = '', limit = CONFIGS } = body;
  if (!isContext(context) || !(config === undefined || isName(config))) return undefined;
  return isName(search) && isLimit(limit) ? { context, config, search, limit } : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= NAME_CHARACTERS_MAX;
}

function isLimit(value: unknown): value is Trial['limit'] {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= CONFIGS_MAX;
}

function isContext(value: unknown): value is Trial['context'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const values = Object.values(value);
  return (
    values.length <= PROPERTIES_MAX &&
    values.every((each) => each === null || ['string', 'number', 'boolean'].includes(typeof each))
  );
}
