// Composition root: builds the rooms, lists the features that are made of them, and starts and stops these.
import type { Config } from '../config/load-config.js';
import type { FileFollower } from '../files/followed-files.js';
import { atMost } from '../domain/deadline.js';
import type { Gauges } from '../observability/gauges.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import { Readiness } from '../servers/readiness.js';
import { buildAccess } from './access.js';
import { backupFeature, openBackupPlaces } from './backup-places.js';
import { openClientCertificates } from './client-certificates.js';
import { buildChangeStreams, Changes } from './changes.js';
import { buildDataKeys } from './data-keys.js';
import { clientFeature } from './clients.js';
import { Features } from './feature.js';
import { fileFeature, followFiles } from './followed-files.js';
import { idListFeature } from './id-lists.js';
import { LimitWatch } from './limit-watch.js';
import { buildOperatorApi } from './operator-api.js';
import { openLogEventPlace } from './log-event-place.js';
import { logEventFeature } from './log-events.js';
import { replaneFeature } from './replane.js';
import { toVersionEventsMs } from './room-options.js';
import type { PinnedPayloads } from './pinned-payloads.js';
import type { Ports } from './ports.js';
import { buildProfiling } from './profiling.js';
import { buildServers } from './servers.js';
import { fleetFeature, specFeature } from './specs.js';
import { buildProxyViews } from './proxy-views.js';
import { buildReplicas } from './replicas.js';
import { describeProcess, describeStatus, processFeature } from './status.js';
import { startUp } from './start-up.js';
import { openTelemetry, statsigFeature, telemetryFeature } from './telemetry.js';
import { unreadFormsFeature } from './unread-forms.js';
import { versionEventFeature } from './version-events.js';
import type { World } from './world.js';
import { buildRooms, openShared } from './rooms.js';

export interface App extends Ports {
  /** Resolves when every pinned key was tried once, or after a minute. */
  readonly startedUp: Promise<void>;
  /** Reads the files that settings name again, at once; a faulty one changes nothing. */
  readFilesAgain(): void;
  /** Not ready any more, but still serving for a while, because load balancers notice late; `over` ends the wait. */
  leave(over: Promise<void>): Promise<void>;
  /** How full each bounded table is now. */
  readonly gauges: Gauges;
  /** Finishes what is in flight, within a deadline; safe to call again. */
  stop(): Promise<void>;
}

/** Rejects with PortsUnavailable where a port cannot be had; whatever was opened until then is closed again. */
export async function startApp(config: Config, world: World): Promise<App> {
  const { clock, log } = world;
  const startedAtMs = clock.monotonicMs();
  const telemetry = await openTelemetry(config, world);
  const { events, page } = telemetry;
  const tracing = telemetry.otlp?.tracing;
  const { dataKeys, backupSeal: seal, dataKeyFiles, dataKeyFeature } = buildDataKeys(config, world);
  const shared = { dataKeys, ...openShared(config, world, tracing) };
  const { connections } = shared;
  const places = await openBackupPlaces(config, world, events, { queue: shared.disk, seal });
  const place = await openLogEventPlace(config, log, places.redis, dataKeys);
  const features = new Features(clock);
  const readiness = new Readiness(() => features.unusable);
  const changes = new Changes(clock);
  const built = buildRooms(config, world, events, { ...places, place }, shared, changes);
  const rooms = { readiness, events, tracing, ...built };
  const describe = (): object => describeProcess(config, world, features, readiness, startedAtMs);
  const status = (keys: string | undefined): object => describeStatus(config, features, describe(), keys);
  const access = buildAccess(config, world);
  const profiling = buildProfiling(config, world, rooms.store);
  const replicas = buildReplicas(config, world, rooms, places);
  const proxyViews = buildProxyViews(config, clock, features, places, describe);
  const api = buildOperatorApi(clock, rooms, proxyViews, replicas);
  const { streams, changeFeature } = buildChangeStreams(clock, changes, { features, replicas, places });
  const pages = { status, metrics: page, api, changes: streams, profiles: profiling.source };
  const servers = await buildServers(config, world, rooms, pages, access.authority);
  const clientCertificates = openClientCertificates(config, world, connections, places);
  const readers = {
    pinned: rooms.pinned,
    connections,
    places,
    servers,
    clientCertificates,
    access,
    profiling,
    dataKeyFiles,
  };
  const followed = followFiles(config, world, readers);
  features.add(
    telemetryFeature(clock, telemetry, features),
    processFeature(world, readiness),
    backupFeature(clock, rooms.backups, places),
    { name: 'connections to origins', close: () => connections.close() },
    access.feature,
    dataKeyFeature,
    idListFeature(clock, rooms),
    rooms.remoteValueFeature,
    specFeature(config, clock, rooms),
    replaneFeature(rooms.feeds),
    rooms.versionFeature,
    rooms.audit.auditFeature,
    rooms.holdFeature,
    unreadFormsFeature(clock, [rooms.store, rooms.remoteValueStore]),
    clientFeature(clock, rooms.census),
    versionEventFeature(clock, events, rooms.store, toVersionEventsMs(config)),
    logEventFeature(clock, rooms.logEvents, place),
    fleetFeature(rooms.fleet),
    replicas.replicaFeature,
    profiling.feature,
    servers,
    changeFeature,
    statsigFeature(telemetry, rooms.logEvents),
    fileFeature(followed),
    clientCertificates,
    new LimitWatch(clock, log, () => features.gauges),
  );
  await openAll(features);
  return serve(config, world, { features, readiness, followed, ports: servers.ports }, rooms.pinned);
}

/** From here on clients are served; what is pinned is fetched behind. */
function serve(config: Config, world: World, parts: Omit<Parts, 'startedUp'>, pinned: PinnedPayloads): App {
  const { pinnedSdkKeys } = config;
  logListening(world.log, config, parts.ports);
  const startedUp = startUp(world, parts.readiness, pinnedSdkKeys.size, pinned.pin(pinnedSdkKeys));
  inBackground(startedUp, world.log);
  return toApp(config, world, { ...parts, startedUp });
}

interface Parts extends Pick<App, 'startedUp'> {
  readonly features: Features;
  readonly readiness: Readiness;
  readonly followed: FileFollower;
  readonly ports: Ports;
}

function toApp(config: Config, { clock }: World, parts: Parts): App {
  const { features, readiness, followed, ports, startedUp } = parts;
  let stopped: Promise<void> | undefined;
  return {
    ...ports,
    startedUp,
    get gauges() {
      return features.gauges;
    },
    readFilesAgain: followed.readNow.bind(followed),
    leave: async (over) => {
      readiness.drain();
      if (config.shutdownDelayS > 0) await atMost(clock, config.shutdownDelayS * 1000, over);
    },
    stop: () => {
      readiness.drain();
      stopped ??= features.close();
      return stopped;
    },
  };
}

/** Closes what was opened where one cannot be. */
async function openAll(features: Features): Promise<void> {
  try {
    await features.open();
  } catch (error) {
    await features.close();
    throw error;
  }
}

function logListening(log: Logger, config: Config, ports: Ports): void {
  const { mode, cache, host, adminHost, statsigEndpoint, specDir: dataDir } = config;
  log.info({ mode, cache, dataDir, host, adminHost, ...ports, origin: statsigEndpoint.href }, 'listening');
  if (config.tls?.plainToo === false) log.info('TLS only: the ports without TLS stay closed');
}
