// What /api/v1 answers about orders of operators, the proxy as a whole and its fleet.
import {
  all,
  FLAG,
  listOf,
  NUMBER,
  object,
  optional,
  OF_SPEC,
  OPEN_OBJECT,
  OPTIONAL_NUMBER,
  OPTIONAL_OPEN_OBJECT,
  OPTIONAL_SECONDS,
  OPTIONAL_TEXT,
  schema,
  SECONDS,
  TEXT,
  TIME,
} from './schema-forms.js';

const COUNTS = { accepted: NUMBER, forwarded: NUMBER, retried: NUMBER, deduplicated: NUMBER };
const BATCHES = { ...COUNTS, dead: NUMBER, turnedAway: NUMBER };
const WAITING = object({ batches: NUMBER, bytes: NUMBER, oldestAgeS: OPTIONAL_SECONDS });
const VALUE = { type: ['string', 'integer', 'boolean', 'null'] };
/** Any JSON. */
const ANY = {};
const OPTIONAL_FLAG = { type: ['boolean', 'null'] };

/** What an audit line says, wherever it is. */
const AUDITED = {
  at: TIME,
  action: TEXT,
  replica: TEXT,
  who: TEXT,
  address: TEXT,
  ...OF_SPEC,
  old: OPTIONAL_NUMBER,
  new: OPTIONAL_NUMBER,
  reason: TEXT,
};

const MATCHING = { enum: ['matched', 'not_matched', 'unknown'] };

export const OPERATION_SCHEMAS = {
  JudgedCondition: {
    type: 'object',
    properties: {
      operator: TEXT,
      asks: OPEN_OBJECT,
      result: MATCHING,
      reason: TEXT,
      conditions: listOf(schema('JudgedCondition')),
    },
    required: ['operator', 'asks', 'result', 'reason'],
  },
  Evaluated: object({
    version: NUMBER,
    configs: listOf(
      object({
        name: TEXT,
        value: ANY,
        override: OPTIONAL_NUMBER,
        baseValue: ANY,
        overrides: listOf(
          object({ name: TEXT, result: MATCHING, value: ANY, conditions: listOf(schema('JudgedCondition')) }),
        ),
      }),
    ),
    leftOut: NUMBER,
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
  Holds: object({ holds: listOf(all(schema('Hold'), object({ servedHere: OPTIONAL_NUMBER }))) }),
  Ordered: object({ hold: schema('Hold'), isEverywhere: FLAG }),
  Audited: object(AUDITED),
  AuditLine: all(schema('Audited'), object({ seq: NUMBER, previous: TEXT, hash: TEXT })),
  Audit: object({ lines: listOf(schema('AuditLine')) }),
  Problem: object({
    reason: TEXT,
    severity: { enum: ['degraded', 'failing'] },
    what: TEXT,
    since: TIME,
    count: NUMBER,
    remedy: TEXT,
  }),
  Status: object({
    status: { enum: ['ok', 'degraded', 'failing'] },
    problems: listOf(schema('Problem')),
    phase: TEXT,
    version: TEXT,
    node: TEXT,
    instance: TEXT,
    now: TIME,
    uptimeS: SECONDS,
    mode: TEXT,
    cache: TEXT,
    isLeader: OPTIONAL_FLAG,
    leader: OPTIONAL_TEXT,
    endpoints: OPEN_OBJECT,
    specs: object({
      sdkKeys: NUMBER,
      pinnedSdkKeys: NUMBER,
      payloads: NUMBER,
      held: NUMBER,
      failing: NUMBER,
      refused: NUMBER,
      notPinned: NUMBER,
      oldestConfirmedAgoS: OPTIONAL_SECONDS,
    }),
    redis: OPTIONAL_OPEN_OBJECT,
    disk: OPTIONAL_OPEN_OBJECT,
    backupsToWrite: OPEN_OBJECT,
    openPages: NUMBER,
  }),
  Replicas: object({
    isShared: FLAG,
    leader: OPTIONAL_TEXT,
    replicas: listOf(
      object({
        id: TEXT,
        name: TEXT,
        isThis: FLAG,
        isLeader: FLAG,
        release: TEXT,
        startedAt: TIME,
        saidAgoS: SECONDS,
        specs: NUMBER,
      }),
    ),
    specs: listOf(object({ sdkKey: TEXT, ...OF_SPEC, isSame: FLAG, versions: listOf(OPTIONAL_NUMBER) })),
    differing: NUMBER,
    leftOut: NUMBER,
  }),
  LogEvents: object({
    store: { enum: ['memory', 'disk', 'redis'] },
    durability: OPTIONAL_OPEN_OBJECT,
    isDurable: FLAG,
    ...BATCHES,
    waiting: WAITING,
    byKey: listOf(
      object({
        sdkKey: TEXT,
        ...BATCHES,
        waiting: WAITING,
        failuresInARow: NUMBER,
        reason: OPTIONAL_TEXT,
      }),
    ),
    leftOut: NUMBER,
    queue: optional(
      object({
        replicas: listOf(TEXT),
        shards: listOf(
          object({
            shard: NUMBER,
            owner: OPTIONAL_TEXT,
            isOwned: FLAG,
            batches: NUMBER,
            bytes: NUMBER,
            oldestAgeS: OPTIONAL_SECONDS,
            deadLetters: NUMBER,
            unreadable: NUMBER,
          }),
        ),
        onDisk: optional(object({ batches: NUMBER, bytes: NUMBER })),
      }),
    ),
  }),
  IdLists: object({
    files: NUMBER,
    copies: NUMBER,
    bytes: NUMBER,
    bytesMax: NUMBER,
    evictions: NUMBER,
    hits: NUMBER,
    fetches: NUMBER,
    streamedThrough: NUMBER,
    turnedAway: NUMBER,
    failures: OPEN_OBJECT,
    disk: OPTIONAL_OPEN_OBJECT,
  }),
  Settings: object({
    settings: listOf(
      object({
        group: TEXT,
        option: TEXT,
        variable: TEXT,
        value: VALUE,
        default: VALUE,
        from: { enum: ['default', 'option', 'variable'] },
        help: TEXT,
      }),
    ),
  }),
} as const;
