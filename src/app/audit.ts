// The audit log as a feature: what operators did and what changed what clients get, in the data directory and in Redis.
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import type { AuditAction, AuditEvent } from '../core/audit/audit-line.js';
import { AuditLog, type AuditPlace } from '../core/audit/audit-log.js';
import { createFiledAudit } from '../core/audit/filed-audit.js';
import { createSharedAudit } from '../core/audit/shared-audit.js';
import type { HoldListener } from '../core/holds/hold-keeper.js';
import type { StoreListener } from '../core/payload-store.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { hashSdkKey } from '../domain/sdk-key.js';
import type { DiskQueue } from '../files/disk-queue.js';
import type { Operator } from '../servers/admin/operator-api.js';
import { AuditFolder } from '../storage/disk/audit-folder.js';
import type { OpenedRedis } from '../storage/redis/open-redis.js';
import type { Feature } from './feature.js';
import { OPERATED_KINDS } from './operated-kinds.js';
import { finishBackups } from './shutdown.js';
import type { World } from './world.js';

const MS_PER_DAY = 86_400_000;

export interface Audit extends HoldListener, StoreListener {
  readonly auditFeature: Feature;
  /** What an operator did. */
  operated(action: AuditAction, key: PayloadKey, operator: Operator, change: Change): void;
  newest(linesMax: number): Promise<readonly string[] | undefined>;
}

export interface Change {
  readonly old: number | null;
  readonly new: number | null;
  readonly reason: string;
}

export function buildAudit(
  config: Config,
  { clock, log, user }: World,
  redis: OpenedRedis | undefined,
  queue: DiskQueue,
  recorded: (event: AuditEvent) => void,
): Audit {
  const { instanceName: replica, specDir } = config;
  const daysKept = config.auditDaysKept;
  const folder =
    specDir === undefined
      ? undefined
      : new AuditFolder(clock, log, { folder: join(specDir, 'audit'), user, queue, daysKept });
  const places: AuditPlace[] = [];
  if (folder !== undefined) places.push(createFiledAudit(folder));
  if (redis !== undefined) places.push(createSharedAudit(clock, redis.kept, daysKept * MS_PER_DAY));
  const audit = new AuditLog(clock, log, places);
  const record = (event: AuditEvent, isOfAll: boolean): void => {
    audit.record(event, isOfAll);
    recorded(event);
  };
  const now = (): Pick<AuditEvent, 'atMs' | 'replica'> => ({ atMs: clock.nowMs(), replica });
  return {
    operated: (action, key, { who, address }, change) => {
      record({ action, ...now(), who, address, ...nameOf(key), ...change }, true);
    },
    newest: (linesMax) => audit.newest(linesMax),
    updated: ({ key, payload, source, from = '' }, replaced) => {
      if (!OPERATED_KINDS.includes(key.kind)) return;
      const change = { old: replaced?.payload.version ?? null, new: payload.version, reason: '' };
      const who = from === '' ? source : `${source} ${from}`;
      // The others have it from the replica that has it from the origin.
      record(
        { action: 'version', ...now(), who, address: '', ...nameOf(key), ...change },
        source === 'origin',
      );
    },
    removed: (key) => {
      if (!OPERATED_KINDS.includes(key.kind)) return;
      const change = { old: null, new: null, reason: '' };
      record({ action: 'removed', ...now(), who: replica, address: '', ...nameOf(key), ...change }, false);
    },
    changed: (hold, rule) => {
      if (rule?.kind === 'held') return;
      const { keyHash, api, format, who, version, reason } = hold;
      const change = { old: version, new: null, reason };
      record({ action: 'hold_over', ...now(), who, address: '', keyHash, api, format, ...change }, false);
    },
    auditFeature: {
      name: 'audit',
      close: () =>
        finishBackups(clock, {
          stop: () => undefined,
          idle: () => Promise.resolve(),
          close: () => audit.close(),
        }),
      gauges: () => ({ auditLinesWaiting: audit.waiting }),
      problems: () => {
        const failing = folder?.failing;
        if (failing === undefined) return [];
        const what = 'The audit log cannot be written to its folder: its lines wait in memory.';
        return [{ reason: 'audit_failing', what, sinceMs: clock.nowMs() - failing.forMs, count: 1 }];
      },
    },
  };
}

function nameOf({ sdkKey, kind, format }: PayloadKey): Pick<AuditEvent, 'keyHash' | 'api' | 'format'> {
  return { keyHash: hashSdkKey(sdkKey), api: kind.name, format };
}
