// What is shown of the fleet's queue of log events: its shards as this replica sees them, and what waits on its disk.
import type { Clock } from '../domain/clock.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { WriteReading } from '../observability/metrics.js';
import type { FleetKeeper } from '../protocols/statsig/log-events/fleet/fleet-keeper.js';
import { countsOf, type OwnedShard } from '../protocols/statsig/log-events/fleet/owned-shard.js';
import type { Problem } from './problems.js';
import { toSeconds } from './shown-times.js';

/** Owners change within seconds; what waits for longer without one waits for somebody to look. */
const UNOWNED_MS_MAX = 30_000;

/** Of the shards that this replica owns, so that all replicas together show each once. */
export function readShards(write: WriteReading, { fleet, spool }: FleetKeeper): void {
  const owned = (fleet?.all ?? []).filter(({ isOwned }) => isOwned);
  write(to.shardsOwned, owned.length);
  for (const shard of owned) {
    const { batches, oldestAgeS } = countsShown(shard);
    const label = String(shard.shard);
    write(to.shardBatches, batches, label);
    write(to.shardAge, oldestAgeS ?? 0, label);
    write(to.shardDeadLetters, shard.state?.deadLetters ?? 0, label);
  }
  if (spool !== undefined) write(to.spooledBatches, spool.batches);
}

export function shardProblems(clock: Clock, { fleet, spool }: FleetKeeper): readonly Problem[] {
  const unowned = (fleet?.all ?? []).filter(isUnowned);
  const waitsMs = Math.max(0, ...unowned.map(({ state }) => state?.oldestAgeMs ?? 0));
  const sinceMs = spool?.oldestAcceptedAtMs;
  return [
    ...(unowned.length === 0
      ? []
      : [
          {
            reason: 'log_events_shard_unowned' as const,
            what: 'Log events wait in shards of the queue in Redis that no replica owns.',
            sinceMs: clock.nowMs() - waitsMs,
            count: unowned.length,
          },
        ]),
    ...(spool === undefined || sinceMs === undefined
      ? []
      : [
          {
            reason: 'log_events_spooled' as const,
            what: 'Log events wait on the disk of this replica, as Redis did not take them.',
            sinceMs,
            count: spool.batches,
          },
        ]),
  ];
}

export function describeShards({ fleet, spool }: FleetKeeper): object {
  return {
    replicas: fleet?.instances ?? [],
    shards: (fleet?.all ?? []).map((shard) => ({
      shard: shard.shard,
      owner: shard.state?.owner === '' ? null : (shard.state?.owner ?? null),
      isOwned: shard.isOwned,
      ...countsShown(shard),
      deadLetters: shard.state?.deadLetters ?? 0,
      unreadable: shard.unreadable,
    })),
    onDisk: spool === undefined ? null : { batches: spool.batches, bytes: spool.bytes },
  };
}

function isUnowned({ state }: OwnedShard): boolean {
  return state?.owner === '' && (state.oldestAgeMs ?? 0) > UNOWNED_MS_MAX;
}

function countsShown(shard: OwnedShard): { batches: number; bytes: number; oldestAgeS: number | null } {
  const { knownBatches, knownBytes, unknownBatches, unknownBytes } = countsOf(shard);
  const ageMs = shard.state?.oldestAgeMs;
  return {
    batches: knownBatches + unknownBatches,
    bytes: knownBytes + unknownBytes,
    oldestAgeS: ageMs === undefined ? null : toSeconds(ageMs),
  };
}
