// Composition root: builds the rooms, lists the features that are made of them, and starts and stops these.
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/load-config.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { DataKeys } from '../files/data-keys.js';
import { DiskQueue } from '../files/disk-queue.js';
import type { FileFollower } from '../files/followed-files.js';
import { atMost } from '../domain/deadline.js';
import { SharedConnections } from '../http-client/upstream-pool.js';
import type { Gauges } from '../observability/gauges.js';
import { inBackground } from '../observability/in-background.js';
import type { Logger } from '../observability/logger.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { ClientCensus } from '../protocols/statsig/clients/client-census.js';
import type { Tracing } from '../observability/tracing.js';
import { DeltaStore } from '../protocols/statsig/deltas/delta-store.js';
import { createManifestClient } from '../protocols/statsig/origin/manifest-client.js';
import { createOriginByApi } from '../protocols/statsig/origin/origin-by-api.js';
import { NoticeStreams } from '../protocols/statsig/origin/notice-streams.js';
import { createUpstreamClient } from '../protocols/statsig/origin/upstream-client.js';
import { createProxyPaths } from '../protocols/statsig/proxy-path.js';
import { Readiness } from '../servers/readiness.js';
import { buildAccess } from './access.js';
import { buildAudit, type Audit } from './audit.js';
import { backupFeature, openBackupPlaces, type OpenedPlaces } from './backup-places.js';
import { openClientCertificates } from './client-certificates.js';
import { buildChangeStreams, Changes, type ChangeTellers } from './changes.js';
import { buildCore } from './core.js';
import { buildDataKeys } from './data-keys.js';
import { clientFeature } from './clients.js';
import { Features } from './feature.js';
import { fileFeature, followFiles } from './followed-files.js';
import { buildHolds, type BuiltHolds } from './holds.js';
import { buildIdLists, idListFeature } from './id-lists.js';
import { LimitWatch } from './limit-watch.js';
import { buildOperatorApi } from './operator-api.js';
import { openLogEventPlace, type LogEventPlace } from './log-event-place.js';
import { buildLogEvents, logEventFeature } from './log-events.js';
import { buildRemoteValues, type BuiltRemoteValues } from './remote-values.js';
import { toUpstreamOptions, toVersionEventsMs } from './room-options.js';
import type { PinnedPayloads } from './pinned-payloads.js';
import type { Ports } from './ports.js';
import { buildProfiling } from './profiling.js';
import { buildServers, type AllRooms } from './servers.js';
import { fleetFeature, specFeature } from './specs.js';
import { buildProxyViews } from './proxy-views.js';
import { buildReplicas } from './replicas.js';
import { describeProcess, describeStatus, processFeature } from './status.js';
import { startUp } from './start-up.js';
import { openTelemetry, statsigFeature, telemetryFeature } from './telemetry.js';
import { unreadFormsFeature } from './unread-forms.js';
import { versionEventFeature } from './version-events.js';
import { buildVersions, type Versions } from './versions.js';
import type { World } from './world.js';

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

/** By these, proxies behind each other know themselves again. */
const PROXY_ID_BYTES = 8;

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

interface AllPlaces extends OpenedPlaces {
  /** Of log events. */
  readonly place: LogEventPlace;
}

interface Shared {
  /** Seal what is stored. */
  readonly dataKeys: DataKeys;
  /** To origins: one way to each, for all clients. */
  readonly connections: SharedConnections;
  /** Of the data directory, for specs and ID lists. */
  readonly disk: DiskQueue;
}

function openShared(
  config: Config,
  { clock, version, lookup }: World,
  tracing: Tracing | undefined,
): Omit<Shared, 'dataKeys'> {
  const options = { ...toUpstreamOptions(config, version), lookup };
  const connections = new SharedConnections(clock, options, tracing);
  return { connections, disk: new DiskQueue(clock) };
}

function buildRooms(
  config: Config,
  world: World,
  events: ProxyEvents,
  { places, link, valueFolder, redis, versionFolder, holdFolder, place }: AllPlaces,
  { connections, disk, dataKeys }: Shared,
  changes: ChangeTellers,
): Omit<AllRooms, 'readiness' | 'events' | 'tracing'> &
  Pick<BuiltRemoteValues, 'remoteValueFeature' | 'remoteValueStore'> &
  Versions &
  BuiltHolds & { readonly audit: Audit } {
  const { clock, version } = world;
  const upstream = toUpstreamOptions(config, version, connections);
  const paths = createProxyPaths(randomBytes(PROXY_ID_BYTES).toString('hex'));
  const origin = createOriginByApi(
    createUpstreamClient(clock, { ...upstream, path: paths.specs }),
    createManifestClient(clock, {
      ...upstream,
      endpoint: config.idListsStatsigEndpoint,
      path: paths.idLists,
    }),
  );
  const values = buildRemoteValues(
    config,
    world,
    events,
    { connections, path: paths.specs },
    places,
    valueFolder,
  );
  const { remoteValues, remoteValueOrigin, remoteValueFeature, remoteValueStore } = values;
  const arriving = remoteValues.arrive.bind(remoteValues);
  const push = config.upstreamStream
    ? new NoticeStreams(clock, world.log, { ...upstream, path: paths.specs })
    : undefined;
  const versions = buildVersions(config, world, redis, versionFolder);
  const { history } = versions;
  const sources = { origin, places: values.places, link, push, arriving, history };
  const core = buildCore(config, world, events, sources);
  core.store.subscribe(remoteValues);
  const census = new ClientCensus(clock, events);
  core.store.subscribe(census);
  const idLists = buildIdLists(config, world, core, connections, disk);
  const isKnownKey = (sdkKey: string): boolean =>
    core.store.isPinned(sdkKey) || core.store.holds(sdkKey) || sdkKey === config.statsigMetrics?.sdkKey;
  const way = { connections, path: paths.logEvents };
  const logEvents = buildLogEvents(config, world, events, { place, way, dataKeys }, isKnownKey);
  const isHeld = (key: PayloadKey): boolean => core.store.peek(key) !== undefined;
  const deltas = new DeltaStore(world.log, core.formsLimit, isHeld);
  core.store.subscribe(deltas);
  core.store.subscribe(history);
  core.refresher.subscribe(history);
  const audit = buildAudit(config, world, redis, disk, changes.audited);
  core.store.subscribe(audit);
  core.store.subscribe(changes);
  const held = buildHolds(config, world, core, history, { redis, holdFolder }, [audit, changes]);
  const ofValues = { remoteValues, remoteValueOrigin, remoteValueFeature, remoteValueStore };
  return { ...core, ...idLists, ...ofValues, ...versions, ...held, audit, census, logEvents, paths, deltas };
}
