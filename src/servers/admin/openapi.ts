// The description of /api/v1 that the admin port serves: OpenAPI 3.1, one entry for each route.
import { EVENT_DATA, EVENT_SCHEMAS } from './openapi/event-schemas.js';
import { EXAMPLES } from './openapi/examples.js';
import { OPERATION_SCHEMAS } from './openapi/operation-schemas.js';
import { NUMBER, schema, TEXT } from './openapi/schema-forms.js';
import { SPEC_SCHEMAS } from './openapi/spec-schemas.js';

export const SCHEMAS = {
  Error: {
    type: 'object',
    properties: { code: NUMBER, reason: TEXT, message: TEXT },
    required: ['code', 'reason', 'message'],
  },
  ...SPEC_SCHEMAS,
  ...OPERATION_SCHEMAS,
  ...EVENT_SCHEMAS,
  Description: { type: 'object' },
} as const;

export type SchemaName = keyof typeof SCHEMAS;

const SPEC_PATH = '/api/v1/specs/{keyHash}/{api}/{format}';
const SPEC_PARAMETERS = ['keyHash', 'api', 'format'].map((name) => ({
  name,
  in: 'path',
  required: true,
  schema: TEXT,
}));

interface QueryParameter {
  readonly isRequired?: true;
  readonly schema: object;
  readonly description?: string;
}

interface Operation {
  readonly summary: string;
  /** In words: OpenAPI has no word for any of several. */
  readonly scope: string;
  readonly answers: SchemaName | 'events';
  readonly query?: Readonly<Record<string, QueryParameter>>;
  readonly body?: object;
}

const READ = 'sfp::read';
const OF_KEY = 'sfp::read, or sfp:: and the hash of this key';
const OPERATE = 'sfp::operate';
const REASON = { type: 'string', minLength: 1, maxLength: 500 };
const FOR_S = { type: 'integer', minimum: 1, maximum: 604_800 };

function limit(max: number, ofAll: number): QueryParameter {
  return { schema: { type: 'integer', minimum: 1, maximum: max, default: ofAll } };
}

const SEARCH: QueryParameter = {
  schema: TEXT,
  description:
    'Words, each of which has to be in the name or masked form of the key, its hash, API, format or state.',
};
const CURSOR: QueryParameter = { schema: TEXT, description: '`next` of the answer before.' };

function ordering(
  summary: string,
  properties: Readonly<Record<string, object>>,
  required: string[],
): Operation {
  return { summary, scope: OPERATE, answers: 'Ordered', body: { type: 'object', properties, required } };
}

const GETS: Readonly<Record<string, Operation>> = {
  '/api/v1/openapi.json': { summary: 'This description.', scope: 'none', answers: 'Description' },
  '/api/v1/status': {
    summary: 'The verdict, what is wrong and what to do, and who leads.',
    scope: READ,
    answers: 'Status',
  },
  '/api/v1/specs': {
    summary: 'Specs that this replica holds, or should hold: those with something wrong first.',
    scope: READ,
    answers: 'Specs',
    query: { limit: limit(1_000, 100), cursor: CURSOR, search: SEARCH },
  },
  [SPEC_PATH]: { summary: 'One spec, with its polls and backups.', scope: OF_KEY, answers: 'OneSpec' },
  [`${SPEC_PATH}/versions`]: {
    summary: 'The versions kept, the newest first.',
    scope: OF_KEY,
    answers: 'Versions',
  },
  [`${SPEC_PATH}/diff`]: {
    summary: 'What differs between two versions.',
    scope: OF_KEY,
    answers: 'Diff',
    query: { from: { isRequired: true, schema: NUMBER }, to: { isRequired: true, schema: NUMBER } },
  },
  [`${SPEC_PATH}/clients`]: {
    summary: 'Who has this spec: those that are behind first.',
    scope: OF_KEY,
    answers: 'SpecClients',
    query: { limit: limit(500, 100) },
  },
  '/api/v1/clients': {
    summary: 'Clients by SDK and by the version that they hold; specs with most that are behind first.',
    scope: READ,
    answers: 'Clients',
    query: { limit: limit(500, 100) },
  },
  '/api/v1/replicas': {
    summary: 'Replicas that share a Redis, who leads, and the versions of each: what differs comes first.',
    scope: READ,
    answers: 'Replicas',
    query: { limit: limit(500, 100), search: SEARCH },
  },
  '/api/v1/log-events': {
    summary: 'The queue of log events; keys with most waiting first.',
    scope: READ,
    answers: 'LogEvents',
  },
  '/api/v1/id-lists': { summary: 'Files of ID lists and their copies.', scope: READ, answers: 'IdLists' },
  '/api/v1/settings': {
    summary: 'The settings in effect, without secrets, and where each came from.',
    scope: READ,
    answers: 'Settings',
  },
  '/api/v1/holds': { summary: 'What is frozen, rolled back or held back.', scope: READ, answers: 'Holds' },
  '/api/v1/audit': {
    summary: 'The newest lines of the audit log.',
    scope: READ,
    answers: 'Audit',
    query: { lines: limit(1_000, 100) },
  },
  '/api/v1/events': {
    summary: 'Server-sent events: what changes from now on, or since the event that Last-Event-ID names.',
    scope: READ,
    answers: 'events',
  },
};

const POSTS: Readonly<Record<string, Operation>> = {
  [`${SPEC_PATH}/freeze`]: ordering('Keep the version in force.', { reason: REASON, forS: FOR_S }, [
    'reason',
  ]),
  [`${SPEC_PATH}/rollback`]: ordering(
    'Serve an earlier version.',
    { version: NUMBER, reason: REASON, forS: FOR_S },
    ['version', 'reason'],
  ),
  [`${SPEC_PATH}/refuse`]: ordering('Go on holding an update back.', { reason: REASON, forS: FOR_S }, [
    'reason',
  ]),
  [`${SPEC_PATH}/release`]: ordering('End what holds the spec.', {}, []),
  [`${SPEC_PATH}/evaluate`]: {
    summary: "What a Replane project's configs are for a context, and why. Changes nothing.",
    scope: OF_KEY,
    answers: 'Evaluated',
    body: {
      type: 'object',
      properties: {
        context: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
        config: TEXT,
        search: TEXT,
        limit: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
      },
    },
  },
};

/** OpenAPI has no form for events: each line of the text names an event and the schema of its data. */
const EVENTS = {
  'text/event-stream': {
    schema: { anyOf: Object.values(EVENT_DATA).map(schema) },
    'x-events': Object.fromEntries(Object.entries(EVENT_DATA).map(([name, data]) => [name, schema(data)])),
    example: exampleStream(),
  },
};

function exampleStream(): string {
  const events = Object.entries(EVENT_DATA).map(
    ([name, data], index) =>
      `event: ${name}\nid: 3f9a2c-${index + 1}\ndata: ${JSON.stringify(EXAMPLES[data])}\n\n`,
  );
  return events.join('');
}

function contentOf(answers: Operation['answers']): object {
  if (answers === 'events') return { content: EVENTS };
  return jsonOf(schema(answers), (EXAMPLES as Readonly<Record<string, object>>)[answers]);
}

function jsonOf(of: object, example: object | undefined): object {
  return { content: { 'application/json': { schema: of, ...(example && { example }) } } };
}

function describe(path: string, { summary, scope, answers, query = {}, body }: Operation): object {
  const ofQuery = Object.entries(query).map(([name, { isRequired = false, ...of }]) => {
    return { name, in: 'query', required: isRequired, ...of };
  });
  return {
    summary,
    description: `Scope: ${scope}.`,
    parameters: [...(path.startsWith(SPEC_PATH) ? SPEC_PARAMETERS : []), ...ofQuery],
    ...(body && { requestBody: { required: true, ...jsonOf(body, undefined) } }),
    ...(scope !== 'none' && { security: [{ token: [] }] }),
    responses: {
      200: { description: 'Done.', ...contentOf(answers) },
      default: { description: 'Not done, and why.', ...jsonOf(schema('Error'), EXAMPLES.Error) },
    },
  };
}

function paths(): object {
  const all = new Map<string, object>();
  for (const [path, operation] of Object.entries(GETS)) all.set(path, { get: describe(path, operation) });
  for (const [path, operation] of Object.entries(POSTS)) all.set(path, { post: describe(path, operation) });
  return Object.fromEntries(all);
}

export const OPENAPI = {
  openapi: '3.1.0',
  info: { title: 'spec-forward-proxy: the admin port', version: '1' },
  paths: paths(),
  components: {
    schemas: SCHEMAS,
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
  },
};
