// What operators hold as a feature: kept wherever specs outlive the process, known before the first client is served.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import { Guard } from '../core/holds/guard.js';
import { HoldKeeper, type HoldListener, type HoldPlace } from '../core/holds/hold-keeper.js';
import { HoldOperations } from '../core/holds/hold-operations.js';
import { ruleOf, type Hold } from '../core/holds/hold.js';
import { HOLDS_MAX } from '../core/holds/holds.js';
import type { VersionHistory } from '../core/versions/version-history.js';
import { openDiskSnapshots, type DiskSnapshots, type OnDisk } from '../storage/disk/disk-snapshots.js';
import type { OpenedRedis } from '../storage/redis/open-redis.js';
import type { Core } from './core.js';
import type { Feature } from './feature.js';
import type { Problem, ProblemReason } from './problems.js';
import type { World } from './world.js';

/** There is one document. */
const FILES_MAX = 16;
/** Of the document: every hold there may be, with the longest reason. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** Undefined where specs are kept in no folder. */
export async function openHoldFolder(
  config: Config,
  { clock, log, user }: World,
  disk: OnDisk,
): Promise<DiskSnapshots | undefined> {
  if (config.specDir === undefined) return undefined;
  const folder = join(config.specDir, 'holds');
  const limits = { encodedBytesMax: DOCUMENT_BYTES_MAX, decodedBytesMax: DOCUMENT_BYTES_MAX };
  return await openDiskSnapshots(clock, log, {
    what: 'holds on specs',
    ...disk,
    folder,
    user,
    filesMax: FILES_MAX,
    limits,
  });
}

export interface Kept {
  readonly redis: OpenedRedis | undefined;
  readonly holdFolder: DiskSnapshots | undefined;
}

export interface BuiltHolds {
  readonly holdOperations: HoldOperations;
  /** What operators have ordered at other replicas is known then, as far as places can be asked. Never rejects. */
  readonly learnHolds: () => Promise<void>;
  readonly holdFeature: Feature;
}

export function buildHolds(
  config: Config,
  { clock, log }: World,
  { holds, enforcer, store, refresher }: Core,
  history: VersionHistory,
  { redis, holdFolder: disk }: Kept,
  listeners: readonly HoldListener[],
): BuiltHolds {
  const places: HoldPlace[] = [];
  if (disk !== undefined) places.push({ snapshots: disk, isShared: false });
  if (redis !== undefined) places.push({ snapshots: redis.kept, isShared: true });
  const keeper = new HoldKeeper(clock, log, holds, places, {
    changed: (hold, rule) => {
      for (const listener of [enforcer, ...listeners]) listener.changed(hold, rule);
    },
    stored: (hold) => enforcer.stored(hold),
  });
  const inForce = (): readonly Hold[] =>
    holds.all.filter((hold) => ruleOf(hold, clock.nowMs())?.kind === 'held');
  const holdOperations = new HoldOperations(clock, log, { holds, keeper, store, history });
  enforcer.subscribe(holdOperations);
  if (config.guardLossPercent > 0) {
    const options = { lossPercentMax: config.guardLossPercent, holdMs: config.guardHoldS * 1000 };
    const guard = new Guard(clock, log, { holds, keeper, store, history, enforcer }, options);
    refresher.guardBy(guard.judge.bind(guard));
  }
  const learnHolds = keeper.look.bind(keeper);
  return {
    holdOperations,
    learnHolds,
    holdFeature: {
      name: 'holds',
      prepare: learnHolds,
      open: () => {
        keeper.start();
      },
      drain: () => {
        keeper.stop();
      },
      close: () => disk?.close(),
      gauges: () => ({ holds: { entries: holds.all.length, entriesMax: HOLDS_MAX } }),
      problems: () => problemsOf(inForce()),
      status: () => ({ holds: { inForce: inForce().length, ...(disk && { disk: disk.describe() }) } }),
    },
  };
}

function problemsOf(inForce: readonly Hold[]): readonly Problem[] {
  const of = (reason: ProblemReason, what: string, holds: readonly Hold[]): readonly Problem[] => {
    if (holds.length === 0) return [];
    return [{ reason, what, sinceMs: Math.min(...holds.map((hold) => hold.sinceMs)), count: holds.length }];
  };
  const guarded = inForce.filter(({ action }) => action === 'guard');
  const ordered = inForce.filter(({ action }) => action !== 'guard');
  return [
    ...of('update_held_back', 'Updates that lose too much of their specs are held back.', guarded),
    ...of(
      'specs_held',
      'Specs are frozen or rolled back: what the origin sends for them is not served.',
      ordered,
    ),
  ];
}
