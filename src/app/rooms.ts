// Builds the rooms that both origins and clients lead to, and connects them. Starts nothing.
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/load-config.js';
import type { PayloadKey } from '../domain/payload-key.js';
import type { DataKeys } from '../files/data-keys.js';
import { DiskQueue } from '../files/disk-queue.js';
import { SharedConnections } from '../http-client/upstream-pool.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import { ClientCensus } from '../protocols/statsig/clients/client-census.js';
import type { Tracing } from '../observability/tracing.js';
import { DeltaStore } from '../protocols/statsig/deltas/delta-store.js';
import { NoticeStreams } from '../protocols/statsig/origin/notice-streams.js';
import { createProxyPaths } from '../protocols/statsig/proxy-path.js';
import { buildAudit, type Audit } from './audit.js';
import type { OpenedPlaces } from './backup-places.js';
import type { ChangeTellers } from './changes.js';
import { buildCore } from './core.js';
import { buildHolds, type BuiltHolds } from './holds.js';
import { buildIdLists } from './id-lists.js';
import type { LogEventPlace } from './log-event-place.js';
import { buildLogEvents } from './log-events.js';
import { buildRemoteValues, type BuiltRemoteValues } from './remote-values.js';
import { buildOrigins, type Origins } from './origins.js';
import { connectReplane } from './replane.js';
import { toUpstreamOptions } from './room-options.js';
import type { AllRooms } from './servers.js';
import { buildVersions, type Versions } from './versions.js';
import type { World } from './world.js';

/** By these, proxies behind each other know themselves again. */
const PROXY_ID_BYTES = 8;

export interface AllPlaces extends OpenedPlaces {
  /** Of log events. */
  readonly place: LogEventPlace;
}

export interface Shared {
  /** Seal what is stored. */
  readonly dataKeys: DataKeys;
  /** To origins: one way to each, for all clients. */
  readonly connections: SharedConnections;
  /** Of the data directory, for specs and ID lists. */
  readonly disk: DiskQueue;
}

export function openShared(
  config: Config,
  { clock, version, lookup }: World,
  tracing: Tracing | undefined,
): Omit<Shared, 'dataKeys'> {
  const options = { ...toUpstreamOptions(config, version), lookup };
  const connections = new SharedConnections(clock, options, tracing);
  return { connections, disk: new DiskQueue(clock) };
}

export function buildRooms(
  config: Config,
  world: World,
  events: ProxyEvents,
  { places, link, valueFolder, redis, versionFolder, holdFolder, place }: AllPlaces,
  { connections, disk, dataKeys }: Shared,
  changes: ChangeTellers,
): Omit<AllRooms, 'readiness' | 'events' | 'tracing'> &
  Pick<BuiltRemoteValues, 'remoteValueFeature' | 'remoteValueStore'> &
  Versions &
  BuiltHolds &
  Pick<Origins, 'feeds'> & { readonly audit: Audit } {
  const { clock, version } = world;
  const paths = createProxyPaths(randomBytes(PROXY_ID_BYTES).toString('hex'));
  const { origin, feeds } = buildOrigins(config, world, connections, paths);
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
    ? new NoticeStreams(clock, world.log, {
        ...toUpstreamOptions(config, version, connections),
        path: paths.specs,
      })
    : undefined;
  const versions = buildVersions(config, world, redis, versionFolder);
  const { history } = versions;
  const sources = { origin, places: values.places, link, push, arriving, history, feeds };
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
  connectReplane(core, held, feeds);
  const ofValues = { remoteValues, remoteValueOrigin, remoteValueFeature, remoteValueStore };
  const ofClients = { audit, census, logEvents, paths, deltas };
  return { ...core, feeds, ...idLists, ...ofValues, ...versions, ...held, ...ofClients };
}
