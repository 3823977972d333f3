// Builds the store of log events from its parts: keeper, inspector, origin, dead letters and journal.
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import type { DataKeys } from '../files/data-keys.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import { noDeadLetters } from '../protocols/statsig/log-events/dead-letters.js';
import { DiskKeeper } from '../protocols/statsig/log-events/disk/disk-keeper.js';
import { FiledDeadLetters } from '../protocols/statsig/log-events/disk/filed-dead-letters.js';
import { EventJournal } from '../protocols/statsig/log-events/event-journal.js';
import { maskCounts } from '../protocols/statsig/log-events/event-counters.js';
import { ThreadedInspector } from '../protocols/statsig/log-events/inspection/threaded-inspector.js';
import type { Lane } from '../protocols/statsig/log-events/lane.js';
import { LogEventStore, type LogEventStoreParts } from '../protocols/statsig/log-events/log-event-store.js';
import { QueueRoom, type Held } from '../protocols/statsig/log-events/queue-room.js';
import type { LocalKeeper } from '../protocols/statsig/log-events/batch.js';
import { createDataKeySealer } from '../protocols/statsig/log-events/sealer.js';
import { FleetDeadLetters } from '../protocols/statsig/log-events/fleet/fleet-batch.js';
import { LeavingKeeper } from '../protocols/statsig/log-events/fleet/leaving-keeper.js';
import type { ShardWorld } from '../protocols/statsig/log-events/fleet/shard-world.js';
import { FleetKeeper } from '../protocols/statsig/log-events/fleet/fleet-keeper.js';
import { Spool } from '../protocols/statsig/log-events/fleet/spool.js';
import type { ShardQueue } from '../storage/shard-queue.js';
import type { LogEventPlace } from './log-event-place.js';
import { describeShards, readShards, shardProblems } from './log-event-shards.js';
import { memoryKeeper } from '../protocols/statsig/log-events/memory-keeper.js';
import { TimelyKeeper } from '../protocols/statsig/log-events/timely-keeper.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import type { ProxyPath } from '../protocols/statsig/proxy-path.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { WriteReading } from '../observability/metrics.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { RecentTrouble } from '../observability/recent-trouble.js';
import { createEventClient } from '../protocols/statsig/origin/event-client.js';
import {
  toFleetQueueOptions,
  toInspectionOptions,
  toLogEventFileOptions,
  toLogEventOptions,
} from './log-event-options.js';
import { toUpstreamOptions } from './room-options.js';
import type { Feature } from './feature.js';
import { keyRows, type KeyFilter } from './key-rows.js';
import type { Problem, ProblemReason } from './problems.js';
import { toSeconds } from './shown-times.js';
import type { World } from './world.js';

interface LogEventParts {
  readonly place: LogEventPlace;
  readonly way: { readonly connections: SharedConnections; readonly path: ProxyPath };
  readonly dataKeys: DataKeys;
}

/** `isKnownKey`: whether the origin served specs of the key, or an operator pinned it. */
export function buildLogEvents(
  config: Config,
  world: World,
  events: ProxyEvents,
  { place, way, dataKeys }: LogEventParts,
  isKnownKey: (sdkKey: string) => boolean,
): LogEventStore {
  const { clock, log, version } = world;
  const journal = new EventJournal(clock, log, events, config.logEventStatsigEndpoint.host);
  const origin = createEventClient(clock, {
    ...toUpstreamOptions(config, version, way.connections),
    endpoint: config.logEventStatsigEndpoint,
    path: way.path,
  });
  const inspector = new ThreadedInspector(clock, journal, toInspectionOptions(config));
  const keeping = { config, world, journal, dataKeys };
  const places = place.kind === 'redis' ? inRedis(keeping, place.queue, isKnownKey) : locally(keeping, place);
  const parts = { ...places, inspector, origin, journal, isKnownKey };
  return new LogEventStore(clock, log, parts, toLogEventOptions(config));
}

interface Keeping {
  readonly config: Config;
  readonly world: World;
  readonly journal: EventJournal;
  readonly dataKeys: DataKeys;
}

/** Where batches wait, and where those end that are given up. */
type Places = Pick<LogEventStoreParts, 'keeper' | 'deadLetters'>;

interface LocalPlaces extends Places {
  readonly keeper: LocalKeeper;
}

/** What an earlier setting left in Redis goes first. */
function locally(keeping: Keeping, { kind, leaving }: Exclude<LogEventPlace, { kind: 'redis' }>): Places {
  const own: LocalPlaces =
    kind === 'memory' ? { keeper: memoryKeeper, deadLetters: noDeadLetters } : onDisk(keeping);
  if (leaving === undefined) return own;
  const { keeper, deadLetters } = own;
  return {
    keeper: new LeavingKeeper(toShardWorld(keeping, leaving), keeper),
    deadLetters: new FleetDeadLetters(deadLetters),
  };
}

function toShardWorld(
  { world: { clock, log }, dataKeys, journal }: Keeping,
  queue: ShardQueue,
): Omit<ShardWorld, 'arrivals'> {
  return { clock, log, queue, sealer: createDataKeySealer(dataKeys), listener: journal };
}

function onDisk({ config, world, journal, dataKeys }: Keeping): LocalPlaces {
  const { clock, log, user } = world;
  const { keeper, deadLetters } = toLogEventFileOptions(config, user);
  const disk = createConcurrencyLimit(1);
  return {
    keeper: new TimelyKeeper(clock, log, new DiskKeeper(log, journal, disk, { ...keeper, dataKeys })),
    deadLetters: new FiledDeadLetters(journal.deathNotWritten.bind(journal), disk, {
      ...deadLetters,
      dataKeys,
    }),
  };
}

/** What Redis does not take waits on the disk, where there is one. */
function inRedis(keeping: Keeping, queue: ShardQueue, isKnownKey: (sdkKey: string) => boolean): Places {
  const { config, journal } = keeping;
  const own = config.dataDir === '' ? undefined : onDisk(keeping);
  const spool = own && new Spool(own.keeper, new QueueRoom(toLogEventOptions(config), isKnownKey));
  const keeper = new FleetKeeper(toShardWorld(keeping, queue), spool, journal, toFleetQueueOptions(config));
  return { keeper, deadLetters: new FleetDeadLetters(own?.deadLetters ?? noDeadLetters) };
}

export function logEventFeature(clock: Clock, store: LogEventStore, place: LogEventPlace): Feature {
  const { room, forwarder, inspector, keeper } = store;
  const shared = keeper instanceof FleetKeeper ? keeper : undefined;
  return {
    name: 'log events',
    prepare: () => store.open(),
    drain: () => store.flush(),
    close: () => store.close(),
    gauges: () => ({
      ...room.gauges,
      logEventDeliveries: { entries: forwarder.inFlight, entriesMax: forwarder.inFlightMax },
      logEventExposures: { entries: inspector.remembered, entriesMax: inspector.rememberedMax },
    }),
    readings: (write) => {
      readLogEvents(write, store, clock.nowMs());
      if (shared !== undefined) readShards(write, shared);
    },
    unusable: () => (store.isOpen ? [] : [notOpen(clock, store)]),
    problems: () => [
      ...deliveryProblems(clock, store),
      ...acceptanceProblems(clock, store),
      ...sealedProblems(store),
      ...(shared === undefined ? [] : shardProblems(clock, shared)),
    ],
    status: (shows) => ({
      logEvents: {
        ...describePlace(place),
        ...describeLogEvents(store, clock.nowMs(), shows),
        queue: shared === undefined ? null : describeShards(shared),
      },
    }),
  };
}

function describePlace(place: LogEventPlace): object {
  return { store: place.kind, durability: (place.kind === 'redis' ? place.durability : undefined) ?? null };
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

function notOpen(clock: Clock, { notOpenForMs }: LogEventStore): Problem {
  const what = 'log events are answered with 503';
  return { reason: 'log_events_folder_failing', what, sinceMs: clock.nowMs() - notOpenForMs, count: 1 };
}

/** A single failed delivery does not count: a kept connection may just have closed. */
const FAILURES_MIN = 2;

/** SDK keys that nobody knows to be right may be refused without anything being wrong. */
function deliveryProblems(clock: Clock, { forwarder, room }: LogEventStore): readonly Problem[] {
  const lanes = [...forwarder.lanes.values()];
  const problem = (reason: ProblemReason, what: string, affected: readonly Lane[]): readonly Problem[] => {
    if (affected.length === 0) return [];
    const times = affected.map(({ oldestAcceptedAtMs = clock.nowMs() }) => oldestAcceptedAtMs);
    return [{ reason, what, sinceMs: Math.min(...times), count: affected.length }];
  };
  const failing = lanes.filter(({ failures, isRefused }) => failures >= FAILURES_MIN && !isRefused);
  const refused = lanes.filter(({ sdkKey, isRefused }) => isRefused && room.isKnown(sdkKey));
  const reason = failing[0]?.reason ?? '';
  return [
    ...problem('log_events_not_delivered', `Log events wait, as their delivery fails: ${reason}.`, failing),
    ...problem('log_events_refused', 'The origin refuses log events of known SDK keys.', refused),
  ];
}

function acceptanceProblems(clock: Clock, { troubles }: LogEventStore): readonly Problem[] {
  const problem = (reason: ProblemReason, what: string, { current }: RecentTrouble): readonly Problem[] =>
    current === undefined
      ? []
      : [{ reason, what, sinceMs: clock.nowMs() - current.forMs, count: current.count }];
  const { notWritten, turnedAway, givenUp } = troubles;
  return [
    ...problem('log_events_not_written', 'Batches of log events could not be written to disk.', notWritten),
    ...problem(
      'log_events_turned_away',
      'Known SDK keys found no room for batches of log events.',
      turnedAway,
    ),
    ...problem('log_events_given_up', 'Batches of log events of known SDK keys were given up.', givenUp),
  ];
}

function sealedProblems({ sealed }: LogEventStore): readonly Problem[] {
  if (sealed === undefined) return [];
  const what = 'Files of log events wait for the data key that sealed them.';
  return [{ reason: 'log_events_sealed', what, sinceMs: sealed.sinceMs, count: sealed.files }];
}

function describeLogEvents(store: LogEventStore, nowMs: number, shows: KeyFilter | undefined): object {
  const { room, counters, forwarder, isDurable } = store;
  const bytesOf = (sdkKey: string): number => room.heldBy(sdkKey).bytes;
  return {
    isDurable,
    ...counters.total,
    waiting: {
      batches: room.batches,
      bytes: room.bytes,
      oldestAgeS: oldestAgeS(store, nowMs) ?? null,
    },
    ...(shows &&
      keyRows(
        [...counters.perKey]
          .filter(([sdkKey]) => shows(sdkKey))
          .sort(([left], [right]) => bytesOf(right) - bytesOf(left))
          .map(([sdkKey, counts]) => {
            const lane = forwarder.lanes.get(sdkKey);
            const waiting =
              lane === undefined ? NOTHING_WAITS : describeLane(lane, room.heldBy(sdkKey), nowMs);
            return { ...maskCounts(sdkKey, counts), ...waiting };
          }),
      )),
  };
}

/** Undefined where nothing waits. */
function oldestAgeS({ forwarder }: LogEventStore, nowMs: number): number | undefined {
  const ages = [...forwarder.lanes.values()].map((lane) => ageS(lane, nowMs));
  return ages.length === 0 ? undefined : ages.reduce(larger);
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
  return toSeconds(Math.max(0, nowMs - acceptedAtMs));
}

function larger(left: number, right: number): number {
  return Math.max(left, right);
}
