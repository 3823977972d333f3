// Examples of what /api/v1 answers, by the names of their schemas.
import { EVALUATED } from './trial-example.js';

const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const OF_SPEC = { keyHash: HASH, api: 'v2', format: 'protobuf' };
const AT = '2026-11-26T03:02:10.000Z';
const VERSION = 1_795_662_130_000;
const BEFORE = 1_795_658_500_000;

const HOLD = {
  ...OF_SPEC,
  action: 'rollback',
  state: 'held',
  version: VERSION + 1,
  bodyOf: BEFORE,
  reason: 'checkout is down',
  who: 'on-call',
  waiting: null,
  since: '2026-11-26T03:09:00.000Z',
  until: '2026-11-26T15:09:00.000Z',
};

const COUNTS = { instances: 42, newest: 40, older: 1, none: 1 };
const BY_SDK = [{ sdk: 'statsig-server-core-node', version: '0.23.2', ...COUNTS }];
const BY_VERSION = [
  { version: VERSION + 1, instances: 40 },
  { version: VERSION, instances: 1 },
  { version: 0, instances: 1 },
];

const POLLS = { kind: 'unchanged', reason: null, since: AT, until: '2026-11-26T03:12:20.000Z', count: 61 };

const SPEC = {
  sdkKey: 'checkout',
  ...OF_SPEC,
  isPinned: true,
  state: 'held',
  version: VERSION + 1,
  versionAt: '2026-11-26T03:02:10.001Z',
  heldForS: 200.4,
  bytes: 48_211,
  identityBytes: 402_115,
  confirmedAgoS: 4.2,
  source: 'operator',
  from: null,
  lastPoll: POLLS,
  streams: 12,
  requestsPerMinute: 180,
  clients: COUNTS,
  bySdk: BY_SDK,
  byVersion: BY_VERSION,
  updates: [
    { version: VERSION, at: AT, clients: 41, p50S: 4.9, p90S: 9.1, p99S: 9.9 },
    { version: VERSION + 1, at: HOLD.since, clients: 42, p50S: 5.1, p90S: 9.4, p99S: null },
  ],
  hold: HOLD,
};

const PROBLEM = {
  reason: 'specs_held',
  severity: 'degraded',
  what: 'Specs are frozen or rolled back: what the origin sends for them is not served.',
  since: HOLD.since,
  count: 1,
  remedy:
    'The page at / of the admin port, spec-forward-proxy ctl holds, and GET /api/v1/holds show which specs they are, who holds them, why and until when. Release them there (ctl release) once the origin is right again.',
};

const AUDITED = {
  at: HOLD.since,
  action: 'rollback',
  replica: 'proxy-0',
  who: 'on-call',
  address: '10.2.0.17',
  ...OF_SPEC,
  old: VERSION,
  new: VERSION + 1,
  reason: HOLD.reason,
};

const BATCHES = { accepted: 912, forwarded: 910, retried: 3, deduplicated: 1_204, dead: 0, turnedAway: 0 };
const WAITING = { batches: 2, bytes: 18_204, oldestAgeS: 1.3 };
const NO_NAMES = { count: 0, names: [] };
const NO_GROUP = { added: NO_NAMES, removed: NO_NAMES, changed: NO_NAMES, details: [] };

const REPLICA = { isThis: true, isLeader: true, release: '1.0.0', startedAt: '2026-11-25T20:00:00.000Z' };

export const EXAMPLES = {
  Status: {
    status: 'degraded',
    problems: [PROBLEM],
    phase: 'serving',
    version: '1.0.0',
    node: 'v24.11.0',
    instance: 'proxy-0',
    now: '2026-11-26T03:12:24.000Z',
    uptimeS: 25_944.1,
    mode: 'grpc-and-http',
    cache: 'redis',
    isLeader: true,
    leader: 'proxy-0:1b4e28ba-2fa1-41d2-883f-0016d3cca427',
    endpoints: { http: '0.0.0.0:8000', grpc: '0.0.0.0:50051', admin: '0.0.0.0:8001' },
    specs: {
      sdkKeys: 12,
      pinnedSdkKeys: 3,
      payloads: 24,
      held: 24,
      failing: 0,
      refused: 0,
      notPinned: 0,
      oldestConfirmedAgoS: 9.8,
    },
    redis: {
      address: { kind: 'standalone', host: 'redis', port: 6379 },
      isLeader: true,
      uses: { connection: 'ok' },
    },
    disk: null,
    backupsToWrite: { redis: 0 },
    openPages: 2,
  },
  Specs: { specs: [SPEC], total: 24, matching: 1, next: null },
  OneSpec: {
    ...SPEC,
    polls: { intervalS: 10, nextInS: 5.8, failuresInARow: 0, outcomes: [POLLS] },
    backups: [
      {
        place: 'redis',
        last: 'stored',
        lastAt: '2026-11-26T03:12:20.000Z',
        storedAt: HOLD.since,
        failures: 0,
      },
    ],
    formBytes: { 'statsig-br': 48_211 },
  },
  Versions: {
    inForce: VERSION,
    versions: [
      {
        version: VERSION,
        versionAt: AT,
        heldAt: AT,
        source: 'origin',
        replica: 'proxy-0',
        from: null,
        hash: 'Y7DS5V3q4w',
        bytes: 48_211,
        identityBytes: 402_115,
      },
    ],
  },
  Evaluated: EVALUATED,
  Diff: {
    from: BEFORE,
    to: VERSION,
    groups: {
      gates: {
        added: { count: 1, names: ['new_checkout'] },
        removed: NO_NAMES,
        changed: { count: 1, names: ['fast_lane'] },
        details: [
          {
            name: 'fast_lane',
            fields: [{ name: 'enabled', before: true, after: false }],
            rules: [],
            areRulesReordered: false,
            hasMore: false,
          },
        ],
      },
      configs: NO_GROUP,
      experiments: NO_GROUP,
      layers: NO_GROUP,
      segments: NO_GROUP,
      paramStores: NO_GROUP,
    },
  },
  SpecClients: {
    version: VERSION + 1,
    clients: [
      {
        session: '7c9e6679',
        isStream: false,
        sdk: 'statsig-server-core-node',
        sdkVersion: '0.23.2',
        holds: VERSION,
        holding: 'older',
        firstSeenAgoS: 8_412.2,
        seenAgoS: 3.1,
      },
    ],
    leftOut: 41,
  },
  Clients: {
    ...COUNTS,
    unnamedPolls: 3,
    bySdk: BY_SDK,
    specs: [
      {
        sdkKey: 'checkout',
        ...OF_SPEC,
        version: VERSION + 1,
        heldForS: 200.4,
        ...COUNTS,
        p50S: 5.1,
        p90S: 9.4,
        p99S: null,
        bySdk: BY_SDK,
        byVersion: BY_VERSION,
      },
    ],
    leftOut: 0,
  },
  Replicas: {
    isShared: true,
    leader: 'proxy-0:1b4e28ba-2fa1-41d2-883f-0016d3cca427',
    replicas: [
      {
        id: 'proxy-0:1b4e28ba-2fa1-41d2-883f-0016d3cca427',
        name: 'proxy-0',
        ...REPLICA,
        saidAgoS: 0,
        specs: 24,
      },
    ],
    specs: [{ sdkKey: 'checkout', ...OF_SPEC, isSame: true, versions: [VERSION + 1] }],
    differing: 0,
    leftOut: 23,
  },
  LogEvents: {
    store: 'redis',
    durability: { appendOnly: true, appendFsync: 'everysec', evictionPolicy: 'noeviction' },
    isDurable: true,
    ...BATCHES,
    waiting: WAITING,
    byKey: [{ sdkKey: 'checkout', ...BATCHES, waiting: WAITING, failuresInARow: 0, reason: null }],
    leftOut: 0,
    queue: {
      replicas: ['proxy-0:1b4e28ba', 'proxy-1:6fa459ea'],
      shards: [
        {
          shard: 0,
          owner: 'proxy-0:1b4e28ba',
          isOwned: true,
          ...WAITING,
          deadLetters: 0,
          unreadable: 0,
        },
      ],
      onDisk: { batches: 0, bytes: 0 },
    },
  },
  IdLists: {
    files: 31,
    copies: 28,
    bytes: 1_204_441,
    bytesMax: 268_435_456,
    evictions: 0,
    hits: 5_114,
    fetches: 31,
    streamedThrough: 3,
    turnedAway: 0,
    failures: {},
    disk: null,
  },
  Settings: {
    settings: [
      {
        group: 'Access',
        option: '--tokens-file',
        variable: 'SFP_TOKENS_FILE',
        value: '/etc/sfp/tokens',
        default: null,
        from: 'variable',
        help: 'file with access tokens',
      },
    ],
  },
  Holds: { holds: [{ ...HOLD, servedHere: VERSION + 1 }] },
  Ordered: { hold: HOLD, isEverywhere: true },
  Audit: { lines: [{ seq: 19, ...AUDITED, previous: HASH, hash: HASH }] },
  ResetEvent: {},
  SpecEvent: {
    sdkKey: 'checkout',
    ...OF_SPEC,
    at: HOLD.since,
    old: VERSION,
    version: VERSION + 1,
    source: 'operator',
    from: null,
  },
  HoldEvent: HOLD,
  ProblemEvent: { ...PROBLEM, isOver: false },
  ReplicasEvent: { leader: 'proxy-1:0e…', isLeader: false, names: ['proxy-0', 'proxy-1'] },
  AuditEvent: AUDITED,
  EndEvent: { reason: 'token_expired', message: 'The access token has come to its end.' },
  Error: { code: 409, reason: 'hold_refused', message: 'not_on_hold: Nothing holds this spec.' },
} as const;
