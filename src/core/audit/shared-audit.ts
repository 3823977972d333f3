// The newest lines of the audit log in a place that all replicas share: one chain for all of them.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Snapshots } from '../../storage/snapshots.js';
import { changeRecord, readRecord, recordKind } from '../versions/stored-record.js';
import { CHAIN_START, chainLine, readLine, type AuditEvent } from './audit-line.js';
import type { AuditPlace } from './audit-log.js';

const AUDIT_KEY: PayloadKey = { sdkKey: 'all', kind: recordKind('audit', '/audit'), format: 'json' };
export const SHARED_LINES_MAX = 1_000;

export function createSharedAudit(clock: Clock, snapshots: Snapshots, ageMsMax: number): AuditPlace {
  const chained = (value: unknown, events: readonly AuditEvent[]): readonly string[] => {
    const lines = [...toLines(value)];
    let end = readLine(lines.at(-1) ?? '') ?? CHAIN_START;
    const known = new Set(lines.map((line) => identityOf(readLine(line)?.fields ?? {})));
    for (const event of events) {
      // Written by a try that another replica's line followed at once.
      if (known.has(identityOf({ ...event, at: new Date(event.atMs).toISOString() }))) continue;
      const line = chainLine(end, event);
      lines.push(line.text);
      end = line;
    }
    const oldestMs = clock.nowMs() - ageMsMax;
    return lines.slice(-SHARED_LINES_MAX).filter((line) => !isOlder(line, oldestMs));
  };
  return {
    takesEvery: false,
    append: (events) => changeRecord(clock, snapshots, AUDIT_KEY, (value) => chained(value, events)),
    newest: async (linesMax) => {
      const reading = await readRecord(snapshots, AUDIT_KEY);
      return reading.kind === 'failed' ? undefined : toLines(reading.value).slice(-linesMax);
    },
    close: () => Promise.resolve(),
  };
}

function toLines(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? (value as unknown[]).filter((line): line is string => typeof line === 'string')
    : [];
}

function isOlder(line: string, thanMs: number): boolean {
  const at = readLine(line)?.fields['at'];
  return typeof at === 'string' && Date.parse(at) < thanMs;
}

function identityOf(of: Readonly<Record<string, unknown>>): string {
  const { at, replica, action, who, address, keyHash, api, format, old, new: now, reason } = of;
  return JSON.stringify([at, replica, action, who, address, keyHash, api, format, old, now, reason]);
}
