// What /status tells: what this process holds, how old it is, when it asks again, and how near its limits it is.
import type { Config } from '../config/load-config.js';
import { payloadId, type PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { EventLoopDelay } from '../observability/event-loop-delay.js';
import type { GrpcServer } from '../servers/grpc/grpc-server.js';
import type { StreamRegistry } from '../streams/stream-registry.js';
import type { Readiness } from '../servers/readiness.js';
import { describeIdLists, type IdLists } from './id-lists.js';
import type { ConnectionLimits } from './connection-limits.js';
import { describeLogEvents, logEventTables, type EventRooms } from './log-events.js';
import type { Core } from './core.js';
import type { World } from './world.js';

export interface StatusSources
  extends
    Pick<World, 'clock' | 'version'>,
    Omit<Core, 'origin' | 'feed' | 'fleet' | 'refresher' | 'formsLimit'>,
    EventRooms,
    IdLists {
  readonly readiness: Readiness;
  readonly config: Config;
  /** By the monotonic clock. */
  readonly startedAtMs: number;
  readonly eventLoopDelay: EventLoopDelay;
  readonly registry: StreamRegistry;
  /** Of the gRPC server; undefined where the mode has none. */
  readonly grpc: ReturnType<GrpcServer['describe']> | undefined;
  readonly connections: ConnectionLimits;
  /** Undefined without TLS. */
  readonly tls: object | undefined;
  /** What is wrong with files that changed: their earlier contents are in use. */
  readonly filesNotTakenOver: readonly string[];
  /** What the places where specs outlive the process tell of themselves. */
  readonly places: Readonly<Record<string, object>>;
}

export function describeStatus(sources: StatusSources): object {
  const { clock, config, store, poller, registry, grpc, idListFiles, logEvents } = sources;
  const memory = process.memoryUsage();
  const limits = [sources.connections.http, sources.connections.grpc, sources.connections.admin].filter(
    (limit) => limit !== undefined,
  );
  return {
    version: sources.version,
    instance: config.instanceName,
    node: process.version,
    phase: sources.readiness.phase,
    unusable: sources.readiness.unusable,
    uptimeS: toSeconds(clock.monotonicMs() - sources.startedAtMs),
    tables: {
      sdkKeys: { entries: store.sdkKeys, entriesMax: config.maximumConcurrentSdkKeys },
      ...sources.reader.tables,
      pollsInFlight: { entries: poller.inFlight, entriesMax: config.updateBatchSize },
      streams: { entries: registry.active, entriesMax: registry.streamsMax },
      callsWaitingForSpecs: { entries: registry.waiting, entriesMax: registry.waitingMax },
      ...grpc?.tables,
      ...Object.fromEntries(limits.map(({ server, table }) => [`${server}Connections`, table])),
      backupsToWrite: sources.backups.pending,
      ...sources.manifests.tables,
      ...idListFiles.tables,
      ...logEventTables(logEvents),
    },
    eventLoopDelaySinceLastStatus: sources.eventLoopDelay.take(),
    memoryBytes: { rss: memory.rss, heapUsed: memory.heapUsed, external: memory.external },
    cache: config.cache,
    ...sources.places,
    streams: { byKey: registry.byKey, refused: registry.refused, dropped: registry.dropped },
    ...(sources.tls && { tls: sources.tls }),
    filesNotTakenOver: sources.filesNotTakenOver,
    ...(grpc && { grpc: { limitsReached: grpc.limitsReached } }),
    connectionsClosedForOthers: Object.fromEntries(limits.map(({ server, closed }) => [server, closed])),
    idLists: describeIdLists(sources.manifests, sources),
    logEvents: describeLogEvents(logEvents, clock.nowMs()),
    specs: knownPayloads(sources).map((key) => describeSpec(sources, key)),
  };
}

/** What is held, and what is pinned but could not be fetched yet. */
function knownPayloads({ store, pinned }: StatusSources): readonly PayloadKey[] {
  const keys = [...[...store.all()].map((held) => held.key), ...pinned.payloads];
  return [...new Map(keys.map((key) => [payloadId(key), key])).values()];
}

function describeSpec({ clock, store, poller, outcomes, backups }: StatusSources, key: PayloadKey): object {
  const held = store.peek(key);
  const poll = poller.stateOf(key);
  const last = outcomes.lastOf(key);
  const nowMs = clock.monotonicMs();
  return {
    sdkKey: maskSdkKey(key.sdkKey),
    api: key.kind.name,
    format: key.format,
    pinned: store.isPinned(key.sdkKey),
    version: held?.payload.version ?? null,
    confirmedAgoS: held === undefined ? null : toSeconds(nowMs - held.confirmedAtMs),
    lastOutcome:
      last === undefined
        ? null
        : { kind: last.kind, reason: last.reason, agoS: toSeconds(nowMs - last.atMs) },
    failuresInARow: poll?.failures ?? 0,
    nextPollInS: poll?.nextPollMs === undefined ? null : toSeconds(Math.max(0, poll.nextPollMs - nowMs)),
    backups: backups.lastOf(key),
    formBytes: held?.forms.sizes ?? {},
  };
}

function toSeconds(durationMs: number): number {
  return Math.round(durationMs / 100) / 10;
}
