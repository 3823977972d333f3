// Composition root: builds rooms and servers, opens the ports, and stops everything within a deadline.
import type { Config } from '../config/load-config.js';
import { atMost } from '../domain/deadline.js';
import { startEventLoopDelay } from '../observability/event-loop-delay.js';
import { createLoggedProxyEvents, noProxyEvents } from '../observability/proxy-events.js';
import { createUpstreamClient } from '../sources/upstream/upstream-client.js';
import { openBackupPlaces } from './backup-places.js';
import { buildLogEvents } from './log-events.js';
import { toUpstreamOptions } from './room-options.js';
import { buildRooms, type World } from './rooms.js';
import { buildServers, type Ports } from './servers.js';
import { closeInOrder, finishBackups } from './shutdown.js';
import { describeStatus } from './status.js';

export interface App extends Ports {
  /** Resolves when every pinned key was tried once. */
  readonly startedUp: Promise<void>;
  /** Pins exactly these keys from now on. */
  pin(sdkKeys: ReadonlySet<string>): Promise<void>;
  /** Finishes what is in flight, within a deadline; safe to call again. */
  stop(): Promise<void>;
}

/** What an earlier process left of log events is taken over before the ports open, unless that takes longer. */
const LOG_EVENTS_OPEN_MS_MAX = 5_000;

/** Rejects where a port cannot be had; whatever was opened until then is closed again. */
export async function startApp(config: Config, world: World): Promise<App> {
  const { clock, log } = world;
  const startedAtMs = clock.monotonicMs();
  const events = config.debugLogging ? createLoggedProxyEvents(log) : noProxyEvents;
  const opened = await openBackupPlaces(config, world, events);
  const origin = createUpstreamClient(clock, toUpstreamOptions(config, world.version));
  const specRooms = buildRooms(config, world, events, { origin, places: opened.places, link: opened.link });
  const rooms = { ...specRooms, logEvents: buildLogEvents(config, world, events) };
  const { readiness, poller, pinned, backups, fleet, logEvents } = rooms;
  const eventLoopDelay = startEventLoopDelay();
  const servers = buildServers(config, world, rooms, () =>
    describeStatus({
      ...rooms,
      ...world,
      config,
      startedAtMs,
      eventLoopDelay,
      registry: servers.registry,
      places: opened.describe(),
    }),
  );

  const closeAll = (): Promise<void> =>
    closeInOrder([
      async () => {
        poller.stop();
      },
      // The lead goes to another replica at once, while this one still answers.
      async () => {
        await Promise.all([fleet?.stop(), servers.drain(), logEvents.flush()]);
      },
      () => logEvents.close(),
      () => origin.close(),
      () => finishBackups(clock, backups),
      async () => {
        eventLoopDelay.stop();
      },
    ]);
  let ports: Ports;
  try {
    // A disk that hangs keeps nobody from the specs.
    await atMost(clock, LOG_EVENTS_OPEN_MS_MAX, logEvents.open());
    fleet?.start();
    ports = await servers.listen();
  } catch (error) {
    await closeAll();
    throw error;
  }

  const { mode, cache, host, adminHost, statsigEndpoint, specDir: dataDir, pinnedSdkKeys } = config;
  log.info({ mode, cache, dataDir, host, adminHost, ...ports, origin: statsigEndpoint.href }, 'listening');
  const startedUp = pinned.pin(pinnedSdkKeys).then(() => {
    readiness.startedUp();
    log.info({ pinnedSdkKeys: pinnedSdkKeys.size }, 'started up: ready for traffic');
  });
  let stopped: Promise<void> | undefined;
  return {
    ...ports,
    startedUp,
    pin: (sdkKeys) => pinned.pin(sdkKeys),
    stop: () => {
      readiness.drain();
      stopped ??= closeAll();
      return stopped;
    },
  };
}
