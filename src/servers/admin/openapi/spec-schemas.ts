// What /api/v1 answers about specs: what is held of each, who has it, its versions and what differs between two of them.
import {
  all,
  FLAG,
  listOf,
  NUMBER,
  object,
  OF_SPEC,
  OPEN_OBJECT,
  optional,
  OPTIONAL_NUMBER,
  OPTIONAL_SECONDS,
  OPTIONAL_TEXT,
  schema,
  SECONDS,
  SOURCES,
  TEXT,
  TIME,
} from './schema-forms.js';

const SIZES = { bytes: NUMBER, identityBytes: NUMBER };
const COUNTS = { instances: NUMBER, newest: NUMBER, older: NUMBER, none: NUMBER };
const OF_SDK = object({ sdk: TEXT, version: TEXT, ...COUNTS });
/** `version` 0: nothing. */
const OF_VERSION = object({ version: NUMBER, instances: NUMBER });
const TAKEN_AFTER = { p50S: OPTIONAL_SECONDS, p90S: OPTIONAL_SECONDS, p99S: OPTIONAL_SECONDS };
const UPDATE = object({ version: NUMBER, at: TIME, clients: NUMBER, ...TAKEN_AFTER });
const POLL_KINDS = ['updated', 'unchanged', 'unauthorized', 'failed', 'confirmed_by_fleet'];
const OUTCOMES = object({
  kind: { enum: POLL_KINDS },
  reason: OPTIONAL_TEXT,
  since: TIME,
  until: TIME,
  count: NUMBER,
});

const NAMES = object({ count: NUMBER, names: listOf(TEXT) });
const CHANGE = { type: 'object', properties: { name: TEXT, before: {}, after: {} }, required: ['name'] };
const DETAIL = object({
  name: TEXT,
  fields: listOf(CHANGE),
  rules: listOf(CHANGE),
  areRulesReordered: FLAG,
  hasMore: FLAG,
});
const GROUP = object({ added: NAMES, removed: NAMES, changed: NAMES, details: listOf(DETAIL) });
const GROUPS = ['gates', 'configs', 'experiments', 'layers', 'segments', 'paramStores'];

/** Of a spec, the worst of these first; lists of specs are in this order. */
export const SPEC_STATES = ['missing', 'refused', 'failing', 'held_back', 'held', 'returning', 'ok'] as const;

export const SPEC_SCHEMAS = {
  Spec: object({
    sdkKey: TEXT,
    ...OF_SPEC,
    isPinned: FLAG,
    state: { enum: SPEC_STATES },
    version: OPTIONAL_NUMBER,
    versionAt: TIME,
    heldForS: OPTIONAL_SECONDS,
    bytes: OPTIONAL_NUMBER,
    identityBytes: OPTIONAL_NUMBER,
    confirmedAgoS: OPTIONAL_SECONDS,
    source: { enum: [...SOURCES, null] },
    from: OPTIONAL_TEXT,
    lastPoll: optional(OUTCOMES),
    streams: NUMBER,
    requestsPerMinute: NUMBER,
    clients: object(COUNTS),
    bySdk: listOf(OF_SDK),
    byVersion: listOf(OF_VERSION),
    updates: listOf(UPDATE),
    hold: optional(schema('Hold')),
  }),
  Specs: object({ specs: listOf(schema('Spec')), total: NUMBER, matching: NUMBER, next: OPTIONAL_TEXT }),
  OneSpec: all(
    schema('Spec'),
    object({
      polls: object({
        intervalS: SECONDS,
        nextInS: OPTIONAL_SECONDS,
        failuresInARow: NUMBER,
        outcomes: listOf(OUTCOMES),
      }),
      backups: listOf(
        object({
          place: { enum: ['redis', 'disk'] },
          last: OPTIONAL_TEXT,
          lastAt: TIME,
          storedAt: TIME,
          failures: NUMBER,
        }),
      ),
      formBytes: OPEN_OBJECT,
    }),
  ),
  Version: object({
    version: NUMBER,
    versionAt: TIME,
    heldAt: TIME,
    source: { enum: SOURCES },
    replica: TEXT,
    from: OPTIONAL_TEXT,
    hash: TEXT,
    ...SIZES,
  }),
  Versions: object({ inForce: OPTIONAL_NUMBER, versions: listOf(schema('Version')) }),
  Diff: object({
    from: NUMBER,
    to: NUMBER,
    groups: object(Object.fromEntries(GROUPS.map((name) => [name, GROUP]))),
  }),
  SpecClients: object({
    version: OPTIONAL_NUMBER,
    clients: listOf(
      object({
        session: OPTIONAL_TEXT,
        isStream: FLAG,
        sdk: TEXT,
        sdkVersion: TEXT,
        holds: NUMBER,
        holding: { enum: ['newest', 'older', 'none'] },
        firstSeenAgoS: SECONDS,
        seenAgoS: SECONDS,
      }),
    ),
    leftOut: NUMBER,
  }),
  Clients: object({
    ...COUNTS,
    unnamedPolls: NUMBER,
    bySdk: listOf(OF_SDK),
    specs: listOf(
      object({
        sdkKey: TEXT,
        ...OF_SPEC,
        version: NUMBER,
        heldForS: SECONDS,
        ...COUNTS,
        ...TAKEN_AFTER,
        bySdk: listOf(OF_SDK),
        byVersion: listOf(OF_VERSION),
      }),
    ),
    leftOut: NUMBER,
  }),
} as const;
