// The description of /api/v1 that the admin port serves: OpenAPI 3.1, one entry for each route.

const TEXT = { type: 'string' } as const;
const NUMBER = { type: 'integer', minimum: 0 } as const;
const TIME = { type: ['string', 'null'], format: 'date-time' } as const;
const OPTIONAL_TEXT = { type: ['string', 'null'] } as const;
const OPTIONAL_NUMBER = { type: ['integer', 'null'] } as const;

/** Every member is always there. */
function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function listOf(items: object): object {
  return { type: 'array', items };
}

function schema(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

const NAMES = object({ count: NUMBER, names: listOf(TEXT) });
const CHANGE = { type: 'object', properties: { name: TEXT, before: {}, after: {} }, required: ['name'] };
const DETAIL = object({
  name: TEXT,
  fields: listOf(CHANGE),
  rules: listOf(CHANGE),
  areRulesReordered: { type: 'boolean' },
  hasMore: { type: 'boolean' },
});
const GROUP = object({ added: NAMES, removed: NAMES, changed: NAMES, details: listOf(DETAIL) });
const GROUPS = ['gates', 'configs', 'experiments', 'layers', 'segments', 'paramStores'];
const OF_SPEC = { keyHash: TEXT, api: TEXT, format: { enum: ['json', 'protobuf'] } };
const SOURCE = { enum: ['origin', 'redis', 'disk', 'operator'] };
const SIZES = { bytes: NUMBER, identityBytes: NUMBER };

export const SCHEMAS = {
  Error: {
    type: 'object',
    properties: { code: NUMBER, reason: TEXT, message: TEXT },
    required: ['code', 'reason', 'message'],
  },
  Spec: object({
    sdkKey: TEXT,
    ...OF_SPEC,
    version: NUMBER,
    versionAt: TIME,
    ...SIZES,
    confirmedAgoS: { type: 'number' },
    source: SOURCE,
    from: OPTIONAL_TEXT,
  }),
  Version: object({
    version: NUMBER,
    versionAt: TIME,
    heldAt: TIME,
    source: SOURCE,
    replica: TEXT,
    from: OPTIONAL_TEXT,
    hash: TEXT,
    ...SIZES,
  }),
  Hold: object({
    ...OF_SPEC,
    action: { enum: ['freeze', 'rollback', 'guard'] },
    state: { enum: ['held', 'returning', 'over'] },
    version: NUMBER,
    bodyOf: NUMBER,
    reason: TEXT,
    who: TEXT,
    waiting: OPTIONAL_NUMBER,
    since: TIME,
    until: TIME,
  }),
  AuditLine: object({
    seq: NUMBER,
    at: TIME,
    action: TEXT,
    replica: TEXT,
    who: TEXT,
    address: TEXT,
    ...OF_SPEC,
    old: OPTIONAL_NUMBER,
    new: OPTIONAL_NUMBER,
    reason: TEXT,
    previous: TEXT,
    hash: TEXT,
  }),
  Specs: object({ specs: listOf(schema('Spec')), leftOut: NUMBER }),
  Versions: object({ inForce: OPTIONAL_NUMBER, versions: listOf(schema('Version')) }),
  Diff: object({
    from: NUMBER,
    to: NUMBER,
    groups: object(Object.fromEntries(GROUPS.map((name) => [name, GROUP]))),
  }),
  Holds: object({
    holds: listOf({ allOf: [schema('Hold'), object({ servedHere: OPTIONAL_NUMBER })] }),
  }),
  Ordered: object({ hold: schema('Hold'), isEverywhere: { type: 'boolean' } }),
  Audit: object({ lines: listOf(schema('AuditLine')) }),
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

interface Operation {
  readonly summary: string;
  /** In words: OpenAPI has no word for any of several. */
  readonly scope: string;
  readonly answers: SchemaName;
  readonly query?: Readonly<Record<string, { readonly isRequired: boolean }>>;
  readonly body?: object;
}

const READ = 'sfp::read';
const OF_KEY = 'sfp::read, or sfp:: and the hash of this key';
const OPERATE = 'sfp::operate';
const REASON = { type: 'string', minLength: 1, maxLength: 500 };
const FOR_S = { type: 'integer', minimum: 1, maximum: 604_800 };

function ordering(
  summary: string,
  properties: Readonly<Record<string, object>>,
  required: string[],
): Operation {
  return { summary, scope: OPERATE, answers: 'Ordered', body: { type: 'object', properties, required } };
}

const GETS: Readonly<Record<string, Operation>> = {
  '/api/v1/openapi.json': { summary: 'This description.', scope: 'none', answers: 'Description' },
  '/api/v1/specs': { summary: 'Every spec that this replica holds.', scope: READ, answers: 'Specs' },
  [`${SPEC_PATH}/versions`]: {
    summary: 'The versions kept, the newest first.',
    scope: OF_KEY,
    answers: 'Versions',
  },
  [`${SPEC_PATH}/diff`]: {
    summary: 'What differs between two versions.',
    scope: OF_KEY,
    answers: 'Diff',
    query: { from: { isRequired: true }, to: { isRequired: true } },
  },
  '/api/v1/holds': { summary: 'What is frozen, rolled back or held back.', scope: READ, answers: 'Holds' },
  '/api/v1/audit': {
    summary: 'The newest lines of the audit log.',
    scope: READ,
    answers: 'Audit',
    query: { lines: { isRequired: false } },
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
};

function describe(path: string, { summary, scope, answers, query = {}, body }: Operation): object {
  const ofQuery = Object.entries(query).map(([name, { isRequired }]) => {
    return { name, in: 'query', required: isRequired, schema: NUMBER };
  });
  const json = (of: object): object => ({ content: { 'application/json': { schema: of } } });
  return {
    summary,
    description: `Scope: ${scope}.`,
    parameters: [...(path.startsWith(SPEC_PATH) ? SPEC_PARAMETERS : []), ...ofQuery],
    ...(body && { requestBody: { required: true, ...json(body) } }),
    ...(scope !== 'none' && { security: [{ token: [] }] }),
    responses: {
      200: { description: 'Done.', ...json(schema(answers)) },
      default: { description: 'Not done, and why.', ...json(schema('Error')) },
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
