// Builds the store of log events from its parts: keeper, inspector, origin, dead letters and journal.
import type { Config } from '../config/load-config.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import { noDeadLetters } from '../protocols/statsig/log-events/dead-letters.js';
import { DiskKeeper } from '../protocols/statsig/log-events/disk/disk-keeper.js';
import { FiledDeadLetters } from '../protocols/statsig/log-events/disk/filed-dead-letters.js';
import { EventJournal } from '../protocols/statsig/log-events/event-journal.js';
import { maskCounts } from '../protocols/statsig/log-events/event-counters.js';
import { ThreadedInspector } from '../protocols/statsig/log-events/inspection/threaded-inspector.js';
import type { Lane } from '../protocols/statsig/log-events/lane.js';
import { LogEventStore, type LogEventStoreParts } from '../protocols/statsig/log-events/log-event-store.js';
import type { Held } from '../protocols/statsig/log-events/queue-room.js';
import { memoryKeeper } from '../protocols/statsig/log-events/memory-keeper.js';
import { TimelyKeeper } from '../protocols/statsig/log-events/timely-keeper.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { createEventClient } from '../protocols/statsig/origin/event-client.js';
import {
  toInspectionOptions,
  toLogEventFileOptions,
  toLogEventOptions,
  toUpstreamOptions,
} from './room-options.js';
import type { World } from './world.js';

/** Beside the rooms of specs. */
export interface EventRooms {
  readonly logEvents: LogEventStore;
}

/** `isKnownKey`: whether the origin served specs of the key, or an operator pinned it. */
export function buildLogEvents(
  config: Config,
  world: World,
  events: ProxyEvents,
  connections: SharedConnections,
  isKnownKey: (sdkKey: string) => boolean,
): LogEventStore {
  const { clock, log, version } = world;
  const journal = new EventJournal(clock, log, events, config.logEventStatsigEndpoint.host);
  const origin = createEventClient(clock, {
    ...toUpstreamOptions(config, version, connections),
    endpoint: config.logEventStatsigEndpoint,
  });
  const inspector = new ThreadedInspector(clock, journal, toInspectionOptions(config));
  const parts = { ...toPlaces(config, world, journal), inspector, origin, journal, isKnownKey };
  return new LogEventStore(clock, parts, toLogEventOptions(config));
}

/** Where batches wait, and where those end that are given up. */
function toPlaces(
  config: Config,
  { clock, user }: World,
  journal: EventJournal,
): Pick<LogEventStoreParts, 'keeper' | 'deadLetters'> {
  if (config.dataDir === '') return { keeper: memoryKeeper, deadLetters: noDeadLetters };
  const { keeper, deadLetters } = toLogEventFileOptions(config, user);
  const disk = createConcurrencyLimit(1);
  return {
    keeper: new TimelyKeeper(clock, new DiskKeeper(journal, disk, keeper)),
    deadLetters: new FiledDeadLetters(journal.deathNotWritten.bind(journal), disk, deadLetters),
  };
}

/** Log events in /status. */
export function describeLogEvents(store: LogEventStore, nowMs: number): object {
  const { room, counters, forwarder, isDurable } = store;
  const ages = [...forwarder.lanes.values()].map((lane) => ageS(lane, nowMs));
  return {
    isDurable,
    ...counters.total,
    waiting: {
      batches: room.batches,
      bytes: room.bytes,
      oldestAgeS: ages.length === 0 ? null : ages.reduce(larger),
    },
    byKey: [...counters.perKey].map(([sdkKey, counts]) => {
      const lane = forwarder.lanes.get(sdkKey);
      const described = lane === undefined ? NOTHING_WAITS : describeLane(lane, room.heldBy(sdkKey), nowMs);
      return { ...maskCounts(sdkKey, counts), ...described };
    }),
  };
}

const NOTHING_WAITS = {
  waiting: { batches: 0, bytes: 0, oldestAgeS: null },
  failuresInARow: 0,
  reason: null,
};

function describeLane(lane: Lane, { batches, bytes }: Readonly<Held>, nowMs: number): object {
  const { failures, isRefused, reason = null } = lane;
  return {
    waiting: { batches, bytes, oldestAgeS: ageS(lane, nowMs) },
    failuresInARow: failures,
    reason: isRefused ? 'refused' : reason,
  };
}

/** Of the batch that waits for the longest time, by the wall clock: it may be from before a restart. */
function ageS(lane: Lane, nowMs: number): number {
  const acceptedAtMs = lane.oldestAcceptedAtMs ?? nowMs;
  return Math.round(Math.max(0, nowMs - acceptedAtMs) / 100) / 10;
}

function larger(left: number, right: number): number {
  return Math.max(left, right);
}

/** Every bounded table of log events, with its limit. */
export function logEventTables({ room, forwarder, inspector }: LogEventStore): object {
  return {
    logEventBatches: { entries: room.batches, entriesMax: room.options.batchesMax },
    logEventBytes: { entries: room.bytes, entriesMax: room.options.bytesMax },
    logEventDeliveries: { entries: forwarder.inFlight, entriesMax: forwarder.inFlightMax },
    logEventExposures: { entries: inspector.remembered, entriesMax: inspector.rememberedMax },
  };
}
