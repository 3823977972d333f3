// Answers operators: finds the payload that they name, and reads its versions.
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { hashSdkKey } from '../domain/sdk-key.js';
import type { VersionRecord } from '../core/versions/version-record.js';
import type { VersionHistory } from '../core/versions/version-history.js';
import type { ThreadedDiffer } from '../protocols/statsig/spec-diff/threaded-differ.js';
import { REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import {
  done,
  refuse,
  type ApiAnswer,
  type OperatorApi,
  type SpecName,
} from '../servers/admin/operator-api.js';
import type { Hold } from '../core/holds/hold.js';
import type { Core } from './core.js';
import { OPERATED_KINDS } from './operated-kinds.js';
import { buildOrders, describeHold, type Found, type OrderRooms } from './operator-orders.js';
import { diffProjects } from './project-diff.js';
import { tryProject } from './project-trial.js';
import type { ProxyViews } from './proxy-views.js';
import type { Replicas } from './replicas.js';
import { toIso } from './shown-times.js';
import { SpecViews, type SpecViewRooms } from './spec-views.js';

export interface OperatorRooms extends OrderRooms, SpecViewRooms, Pick<Core, 'holds'> {
  readonly history: VersionHistory;
  readonly differ: ThreadedDiffer;
}

export function buildOperatorApi(
  clock: Clock,
  rooms: OperatorRooms,
  proxyViews: ProxyViews,
  replicas: Pick<Replicas, 'describe'>,
): OperatorApi {
  const { store, history, holds, audit } = rooms;
  const specViews = new SpecViews(clock, rooms);
  const find = (name: SpecName): PayloadKey | undefined => {
    const kind = OPERATED_KINDS.find((each) => each.name === name.api);
    for (const { key } of store.all()) {
      if (key.kind === kind && key.format === name.format && hashSdkKey(key.sdkKey) === name.keyHash)
        return key;
    }
    return undefined;
  };
  const servedOf = (hold: Hold): number | undefined => {
    const key = find(hold);
    return key && store.peek(key)?.payload.version;
  };
  const found: Found = async (name, use) => {
    const key = find(name);
    return key === undefined ? NO_SPEC : await use(key);
  };
  return {
    ...proxyViews,
    specs: (query) => specViews.page(query),
    spec: ({ keyHash, api, format }) => {
      const spec = specViews.one(keyHash, api, format);
      return spec === undefined ? NO_SPEC : done(spec);
    },
    clientsOf: (name, limit) => found(name, (key) => Promise.resolve(done(specViews.clientsOf(key, limit)))),
    clients: (limit) => specViews.clients(limit),
    replicas: (query) => replicas.describe(query),
    versions: (name) =>
      found(name, async (key) => {
        const records = await history.list(key);
        if (records === undefined) return refuse('versions_unreadable', UNREADABLE);
        const inForce = store.peek(key)?.payload.version ?? null;
        return done({ inForce, versions: records.map(describeVersion) });
      }),
    diff: (name, from, to) => found(name, (key) => compare(rooms, key, from, to)),
    evaluate: (name, trial) =>
      found(name, (key) => {
        const held = store.peek(key);
        if (key.kind !== REPLANE_PROJECT || held === undefined) return Promise.resolve(NO_PROJECT);
        return Promise.resolve(done(tryProject(held.payload, trial)));
      }),
    holds: () => ({
      holds: holds.all.map((hold) => {
        const servedHere = servedOf(hold);
        return { ...describeHold(hold, clock.nowMs(), servedHere), servedHere: servedHere ?? null };
      }),
    }),
    ...buildOrders(clock, rooms, found),
    audit: async (linesMax) => {
      const lines = await audit.newest(linesMax);
      if (lines === undefined) return refuse('versions_unreadable', NO_AUDIT);
      return done({ lines: lines.map((line) => JSON.parse(line) as object) });
    },
  };
}

async function compare(
  { history, differ }: Pick<OperatorRooms, 'history' | 'differ'>,
  key: PayloadKey,
  from: number,
  to: number,
): Promise<ApiAnswer> {
  const [before, after] = [await history.load(key, from), await history.load(key, to)];
  if (before === undefined || after === undefined) {
    const lacking = before === undefined ? from : to;
    return refuse('not_found', `Version ${lacking} is not kept, or cannot be read now.`);
  }
  if (key.kind === REPLANE_PROJECT) return done({ from, to, groups: diffProjects(before, after) });
  const differing = await differ.compare(before, after);
  switch (differing.kind) {
    case 'diff':
      return done({ from, to, groups: differing.diff });
    case 'busy':
      return refuse('comparing_busy', 'Two other versions are being compared: try again.');
    case 'failed':
      return refuse('internal_error', 'The versions could not be compared: the log says why.');
  }
}

const NO_SPEC = refuse('not_found', 'This replica holds no such spec.');
const NO_PROJECT = refuse('not_found', 'Only Replane projects can be evaluated: this is a spec.');
const NO_AUDIT = 'The audit log cannot be read now, or is kept nowhere: it needs a data directory or Redis.';
const UNREADABLE = 'No place where versions are kept can be read now: see redis and versions in /status.';

function describeVersion({ version, atMs, source, replica, from, hash, ...sizes }: VersionRecord): object {
  const { bytes, identityBytes } = sizes;
  const times = { version, versionAt: toIso(version), heldAt: toIso(atMs) };
  return { ...times, source, replica, from: from ?? null, hash, bytes, identityBytes };
}
