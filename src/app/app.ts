// Composition root: builds rooms and servers, opens the ports, and stops everything within a deadline.
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import { atMost } from '../domain/deadline.js';
import { startEventLoopDelay, type EventLoopDelay } from '../observability/event-loop-delay.js';
import type { Logger } from '../observability/logger.js';
import { SharedConnections } from '../http-client/upstream-pool.js';
import { createLoggedProxyEvents, noProxyEvents, type ProxyEvents } from '../observability/proxy-events.js';
import { DiskQueue } from '../files/disk-queue.js';
import { createOriginByApi } from '../protocols/statsig/origin/origin-by-api.js';
import { createManifestClient } from '../protocols/statsig/origin/manifest-client.js';
import { createUpstreamClient } from '../protocols/statsig/origin/upstream-client.js';
import { openBackupPlaces, type OpenedPlaces } from './backup-places.js';
import { followFiles } from './followed-files.js';
import { buildIdLists } from './id-lists.js';
import { buildLogEvents } from './log-events.js';
import { toUpstreamOptions } from './room-options.js';
import { buildCore } from './core.js';
import type { World } from './world.js';
import { Readiness } from '../servers/readiness.js';
import type { Ports } from './ports.js';
import { buildServers, type AllRooms, type Servers } from './servers.js';
import { closeIdListFiles, closeInOrder, finishBackups } from './shutdown.js';
import { describeStatus } from './status.js';
import { findUnusableFolders } from './unusable-folders.js';

export interface App extends Ports {
  /** Resolves when every pinned key was tried once. */
  readonly startedUp: Promise<void>;
  /** Reads the files that settings name again, at once; a faulty one changes nothing. */
  readFilesAgain(): void;
  /** Finishes what is in flight, within a deadline; safe to call again. */
  stop(): Promise<void>;
}

/** What an earlier process left is taken over before the ports open, unless that takes longer. */
const OPEN_MS_MAX = 5_000;

/** Rejects with PortsUnavailable where a port cannot be had; whatever was opened until then is closed again. */
export async function startApp(config: Config, world: World): Promise<App> {
  const { clock, log } = world;
  const startedAtMs = clock.monotonicMs();
  const events = config.debugLogging ? createLoggedProxyEvents(log) : noProxyEvents;
  const shared = openShared(config, world);
  const opened = await openBackupPlaces(config, world, events, shared.disk);
  const rooms = buildAllRooms(config, world, events, opened, shared);
  const { readiness, pinned, fleet, idListFiles, logEvents } = rooms;
  const eventLoopDelay = startEventLoopDelay();
  const servers = buildServers(config, world, rooms, () =>
    describeStatus({
      ...rooms,
      ...world,
      config,
      startedAtMs,
      eventLoopDelay,
      registry: servers.registry,
      grpc: servers.describeGrpc(),
      tls: servers.describeTls(),
      filesNotTakenOver: followed.faults,
      connections: servers.connections,
      places: opened.describe(),
    }),
  );

  const { certificates } = servers;
  const readers = { pinned, connections: shared.connections, places: opened, certificates };
  const followed = followFiles(config, world, readers);
  const closeAll = (): Promise<void> =>
    closeEverything(clock, { ...rooms, servers, connections: shared.connections, eventLoopDelay });
  let ports: Ports;
  try {
    // A disk that hangs keeps nobody from the specs.
    await Promise.all([logEvents, idListFiles].map((room) => atMost(clock, OPEN_MS_MAX, room.open())));
    fleet?.start();
    ports = await servers.listen();
  } catch (error) {
    await closeAll();
    throw error;
  }

  const { mode, cache, host, adminHost, statsigEndpoint, specDir: dataDir, pinnedSdkKeys } = config;
  log.info({ mode, cache, dataDir, host, adminHost, ...ports, origin: statsigEndpoint.href }, 'listening');
  if (config.tls?.plainToo === false) log.info('TLS only: the ports without TLS stay closed');
  const startedUp = pinned.pin(pinnedSdkKeys).then(() => {
    readiness.startedUp();
    logReady(log, readiness, pinnedSdkKeys.size);
  });
  followed.start();
  let stopped: Promise<void> | undefined;
  return {
    ...ports,
    startedUp,
    readFilesAgain: () => {
      followed.readNow();
    },
    stop: () => {
      readiness.drain();
      followed.stop();
      stopped ??= closeAll();
      return stopped;
    },
  };
}

interface Everything extends AllRooms {
  readonly servers: Servers;
  readonly connections: SharedConnections;
  readonly eventLoopDelay: EventLoopDelay;
}

function closeEverything(clock: Clock, everything: Everything): Promise<void> {
  const { poller, fleet, servers, logEvents, origin, idListFiles, connections, backups } = everything;
  return closeInOrder([
    async () => {
      poller.stop();
    },
    // The lead goes to another replica at once, while this one still answers.
    async () => {
      await Promise.all([fleet?.stop(), servers.drain(), logEvents.flush()]);
    },
    () => logEvents.close(),
    () => origin.close(),
    () => closeIdListFiles(clock, idListFiles),
    () => connections.close(),
    () => finishBackups(clock, backups),
    async () => {
      everything.eventLoopDelay.stop();
    },
  ]);
}

function logReady(log: Logger, { unusable }: Readiness, pinnedSdkKeys: number): void {
  if (unusable.length === 0) log.info({ pinnedSdkKeys }, 'started up: ready for traffic');
  else log.warn({ pinnedSdkKeys, unusable }, 'started up: ready for traffic, but folders cannot be used');
}

interface Shared {
  /** To origins: one way to each, for all clients. */
  readonly connections: SharedConnections;
  /** Of the data directory, for specs and ID lists. */
  readonly disk: DiskQueue;
}

function openShared(config: Config, { clock, version }: World): Shared {
  const connections = new SharedConnections(clock, toUpstreamOptions(config, version));
  return { connections, disk: new DiskQueue(clock) };
}

function buildAllRooms(
  config: Config,
  world: World,
  events: ProxyEvents,
  { places, link, specDisk }: OpenedPlaces,
  { connections, disk }: Shared,
): AllRooms {
  const { clock, version } = world;
  const upstream = toUpstreamOptions(config, version, connections);
  const origin = createOriginByApi(
    createUpstreamClient(clock, upstream),
    createManifestClient(clock, { ...upstream, endpoint: config.idListsStatsigEndpoint }),
  );
  const core = buildCore(config, world, events, { origin, places, link });
  const idLists = buildIdLists(config, world, core, connections, disk);
  const isKnownKey = (sdkKey: string): boolean => core.store.isPinned(sdkKey) || core.store.holds(sdkKey);
  const logEvents = buildLogEvents(config, world, events, connections, isKnownKey);
  const folders = { specDisk, idListDisk: idLists.idListDisk, logEvents };
  const readiness = new Readiness(() => findUnusableFolders(folders));
  return { readiness, events, ...core, ...idLists, logEvents };
}
