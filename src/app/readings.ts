// What /metrics reads of the rooms when it is asked: what is held and how old it is, queues, streams, and the state of Redis.
import type { Config } from '../config/load-config.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { Reader, WriteReading } from '../observability/metrics.js';
import { RESOURCE_KINDS } from '../protocols/statsig/resource-kinds.js';
import type { LogEventStore } from '../protocols/statsig/log-events/log-event-store.js';
import type { StreamRegistry } from '../streams/stream-registry.js';
import type { OpenedPlaces } from './backup-places.js';
import { oldestAgeS } from './log-events.js';
import { toIntervalMs } from './room-options.js';
import type { AllRooms } from './servers.js';
import type { World } from './world.js';

const MS_PER_S = 1000;

export function createReader(
  config: Config,
  world: World,
  rooms: AllRooms,
  registry: StreamRegistry,
  places: OpenedPlaces,
): Reader {
  const intervalMs = toIntervalMs(config);
  return (write) => {
    write(to.buildInfo, 1, world.version, process.version);
    write(to.ready, rooms.readiness.phase === 'serving' ? 1 : 0);
    for (const kind of RESOURCE_KINDS) {
      write(to.pollInterval, intervalMs({ kind, sdkKey: '', format: 'json' }) / MS_PER_S, kind.name);
    }
    readSpecs(write, rooms, world);
    write(to.streams, registry.active);
    write(to.streamsMax, registry.streamsMax);
    write(to.streamsDropped, registry.dropped);
    const redis = places.redisState();
    if (redis !== undefined) {
      write(to.redisUp, redis.isUp ? 1 : 0);
      write(to.leader, redis.isLeader ? 1 : 0);
    }
    readLogEvents(write, rooms.logEvents, world.clock.nowMs());
    write(to.idListBytes, rooms.idListFiles.copyBytes);
  };
}

function readSpecs(write: WriteReading, { store }: AllRooms, { clock }: World): void {
  const startMs = clock.nowMs() - clock.monotonicMs();
  let specsHeld = 0;
  for (const { key, payload, forms, confirmedAtMs } of store.all()) {
    specsHeld += 1;
    const labels = [maskSdkKey(key.sdkKey), key.kind.name, key.format] as const;
    if (key.kind.versions === 'stated') write(to.specVersion, payload.version / MS_PER_S, ...labels);
    write(to.specConfirmed, (startMs + confirmedAtMs) / MS_PER_S, ...labels);
    write(to.specBytes, sumOf(Object.values(forms.sizes)), ...labels);
  }
  write(to.specsHeld, specsHeld);
}

function readLogEvents(write: WriteReading, store: LogEventStore, nowMs: number): void {
  const { accepted, forwarded, retried, dead, turnedAway } = store.counters.total;
  write(to.eventBatches, accepted, 'accepted');
  write(to.eventBatches, forwarded, 'forwarded');
  write(to.eventBatches, retried, 'retried');
  write(to.eventBatches, dead, 'dead');
  write(to.eventBatches, turnedAway, 'turned_away');
  write(to.queueBatches, store.room.batches);
  write(to.queueBytes, store.room.bytes);
  write(to.queueAge, oldestAgeS(store, nowMs) ?? 0);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
