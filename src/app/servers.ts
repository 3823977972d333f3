// The servers of a mode: built from the rooms, listening in order, drained together.
import type { Config } from '../config/load-config.js';
import type { Authority } from '../auth/authority.js';
import { buildAdminServer, type AdminPages } from '../servers/admin/admin-server.js';
import { Certificates } from '../files/certificates.js';
import type { ConnectionLimit } from '../servers/listener/connection-limit.js';
import type { HttpApp } from '../servers/http/fastify-app.js';
import { openPorts } from '../servers/listener/open-ports.js';
import { TlsFront } from '../servers/listener/tls-front.js';
import type { GrpcServer } from '../servers/grpc/grpc-server.js';
import { BodyRoom } from '../servers/http/request-body.js';
import { Http2Front } from '../servers/http/http2-front.js';
import { buildHttpServer, type AddRoutes } from '../servers/http/http-server.js';
import { replaneRoutes } from '../protocols/replane/http/replane-routes.js';
import { testingSyncRoutes } from '../protocols/replane/http/testing-sync.js';
import type { SpecRequestCounts } from '../protocols/statsig/http/spec-routes.js';
import { PreparedSpecAnswers } from '../protocols/statsig/http/prepared-spec-answers.js';
import type { SpecStreamRooms } from '../protocols/statsig/http/spec-stream-routes.js';
import { statsigRoutes } from '../protocols/statsig/http/statsig-routes.js';
import type { ClientCensus } from '../protocols/statsig/clients/client-census.js';
import type { ProxyPaths } from '../protocols/statsig/proxy-path.js';
import type { DeltaStore } from '../protocols/statsig/deltas/delta-store.js';
import type { LogEventStore } from '../protocols/statsig/log-events/log-event-store.js';
import type { Cancel } from '../domain/clock.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Origin } from '../core/origin.js';
import type { StreamSource } from '../streams/open-stream.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { toBodyBytesMax } from './budget.js';
import { buildConnectionLimits, gaugesOf } from './connection-limits.js';
import {
  ADMIN_BODY_BYTES_MAX,
  toConnectionsAsked,
  toHttpOptions,
  REQUEST_MS_MAX,
  toHttpTimeouts,
  toProjectStreamOptions,
  toStatsigRouteOptions,
} from './room-options.js';
import { inBackground } from '../observability/in-background.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { Reader } from '../observability/metrics.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { Tracing } from '../observability/tracing.js';
import type { Readiness } from '../servers/readiness.js';
import type { IdLists } from './id-lists.js';
import type { Core } from './core.js';
import type { Origins } from './origins.js';
import type { BuiltRemoteValues } from './remote-values.js';
import type { Feature } from './feature.js';
import { keyRows, type KeyFilter } from './key-rows.js';
import type { World } from './world.js';
import { PublicAndAdminPorts, type Ports } from './ports.js';
import { drainHttp, GRPC_MS_MAX, WAIT_FOR_ORIGIN_MS } from './shutdown.js';

export interface Servers extends Feature {
  /** Once they are open. */
  readonly ports: Ports;
  /** Of the TLS ports; undefined without TLS. */
  readonly certificates: Certificates | undefined;
}

export interface AllRooms
  extends
    Core,
    IdLists,
    Pick<BuiltRemoteValues, 'remoteValues' | 'remoteValueOrigin'>,
    Pick<Origins, 'feeds'> {
  readonly logEvents: LogEventStore;
  readonly census: ClientCensus;
  readonly paths: ProxyPaths;
  readonly deltas: DeltaStore;
  readonly readiness: Readiness;
  readonly events: ProxyEvents;
  readonly tracing: Tracing | undefined;
}

export async function buildServers(
  config: Config,
  world: World,
  rooms: AllRooms,
  pages: AdminPages,
  authority: Authority | undefined,
): Promise<Servers> {
  const { clock, log } = world;
  const registry = new StreamRegistry(clock, { streamsMax: config.grpcMaxConcurrentStreams });
  const eventStreams = new StreamRegistry(clock, { streamsMax: config.eventStreamsMax });
  const connections = buildConnectionLimits(world, toConnectionsAsked(config));
  const admin = buildAdminServer(clock, log, rooms.readiness, pages, authority, {
    bodies: new BodyRoom(ADMIN_BODY_BYTES_MAX),
    timeouts: toHttpTimeouts(config),
  });
  const counts: SpecRequestCounts = { sinceTimeIgnored: 0 };
  const bodies = new BodyRoom(toBodyBytesMax(config, world));
  const streamed = { registry: eventStreams, authority };
  const http = connections.http && buildPublicServer(config, world, rooms, bodies, counts, streamed);
  const grpc = connections.grpc && (await buildGrpc(config, world, rooms, registry));
  const apps = http === undefined ? [admin] : [http, admin];
  const certificates = config.tls && new Certificates(clock, log, 'server certificate', config.tls.files);
  const tls = config.tls && certificates && new TlsFront(clock, log, certificates, config.tls);
  const http2 = tls && http && buildHttp2(world, http, connections.http);
  const ports = new PublicAndAdminPorts(config, connections, { http, http2, grpc, admin, tls });
  return {
    name: 'servers',
    certificates,
    open: async () => {
      await Promise.all(apps.map((app) => app.ready()));
      await openPorts([...ports.ofHttp, ...ports.ofGrpc]);
    },
    get ports() {
      return ports.numbers;
    },
    readings: readingsOf(registry, eventStreams, certificates),
    gauges: () => ({
      ...gaugesOf(connections),
      ...(http && { bodyBytes: bodies.gauge, deltaBytes: rooms.deltas.gauge }),
      ...(http && { eventStreams: eventStreams.gauge, eventStreamsWaiting: eventStreams.waitingGauge }),
      ...(grpc && { streams: registry.gauge, callsWaitingForSpecs: registry.waitingGauge, ...grpc.gauges }),
      ...http2?.gauges,
    }),
    status: (shows) => ({
      endpoints: describeEndpoints(config, ports.numbers),
      streams: describeStreams(registry, shows),
      ...(http && { eventStreams: describeStreams(eventStreams, shows), requests: { ...counts } }),
      ...(grpc && { grpc: { limitsReached: grpc.limitsReached } }),
      ...(http2 && { http2: { limitsReached: http2.limitsReached } }),
      ...(tls && { tls: tls.describe() }),
    }),
    drain: async () => {
      const cancelRelease = releaseCalls(world, rooms);
      const draining = [registry, eventStreams].map((streams) => streams.drain(clock));
      http2?.drain();
      certificates?.stop();
      const grpcClosed = ports.ofGrpc.map((port) => port.close(clock, GRPC_MS_MAX));
      try {
        await Promise.all([
          drainHttp(clock, apps, ports.ofHttp),
          grpc?.drain(draining[0]?.overInMs ?? 0, Promise.all(grpcClosed)),
        ]);
      } finally {
        for (const { cancel } of draining) cancel();
        cancelRelease();
      }
    },
  };
}

/** Calls of either protocol may wait for the origin: not for long, at a stop. */
function releaseCalls({ clock, log }: World, rooms: AllRooms): Cancel {
  return clock.schedule(WAIT_FOR_ORIGIN_MS, () => {
    inBackground(Promise.all(originsOf(rooms).map((origin) => origin.close())), log);
  });
}

/** Whom requests of clients wait for. */
function originsOf({
  origin,
  idListFileOrigin,
  remoteValueOrigin,
}: AllRooms): readonly Pick<Origin, 'close'>[] {
  return [origin, idListFileOrigin, remoteValueOrigin];
}

function readingsOf(
  registry: StreamRegistry,
  eventStreams: StreamRegistry,
  certificates: Certificates | undefined,
): Reader {
  return (write) => {
    write(to.eventStreams, eventStreams.active);
    write(to.eventStreamsMax, eventStreams.streamsMax);
    if (certificates !== undefined) write(to.certificateExpiry, certificates.expiresAtMs / 1000);
    write(to.streams, registry.active);
    write(to.streamsMax, registry.streamsMax);
    write(to.streamsDropped, registry.dropped);
  };
}

function buildPublicServer(
  config: Config,
  { clock, log }: World,
  rooms: AllRooms,
  bodies: BodyRoom,
  counts: SpecRequestCounts,
  streamed: Pick<SpecStreamRooms, 'registry' | 'authority'>,
): HttpApp {
  const { readiness, events, keyPolicy, reader, logEvents, remoteValues, census } = rooms;
  const { manifests, rewrittenManifests, idListFiles, paths, deltas } = rooms;
  const sources = {
    specs: reader,
    admits: keyPolicy.admits.bind(keyPolicy),
    counts,
    census,
    remoteValues,
    paths,
    deltas,
    logEvents,
    rewriteManifest: rewrittenManifests.of.bind(rewrittenManifests),
    idListFiles: { find: manifests.find.bind(manifests), read: idListFiles.read.bind(idListFiles) },
  };
  const streams = {
    registry: streamed.registry,
    // Only where there are tokens to be had.
    authority: config.access.admin === 'tokens' ? streamed.authority : undefined,
    source: streamSource(rooms),
    census,
    events,
    path: paths.specs,
  };
  const options = { bodies, ...toStatsigRouteOptions(config) };
  const routes = statsigRoutes(clock, log, { ...sources, streams }, options);
  const held = rooms.store.read.bind(rooms.store);
  const addRoutes = [routes, ...replaneRoutesOf(config, { clock, log }, rooms, bodies, streamed)];
  const { tracing } = rooms;
  // Requests in the fast lane have no spans.
  const hasLane = !config.disableFastLane && tracing === undefined;
  const prepared = hasLane ? new PreparedSpecAnswers({ held }, census) : undefined;
  const serverOptions = { ...toHttpOptions(config), bodies, prepared, tracing };
  return buildHttpServer(clock, log, events, readiness, serverOptions, addRoutes);
}

/** On the ports of Statsig's routes, and with places among the same streams. */
function replaneRoutesOf(
  config: Config,
  { clock, log }: Pick<World, 'clock' | 'log'>,
  rooms: AllRooms,
  bodies: BodyRoom,
  { registry }: Pick<SpecStreamRooms, 'registry'>,
): readonly AddRoutes[] {
  if (config.replaneEndpoint === '') return [];
  const needs = { source: streamSource(rooms), registry, events: rooms.events, bodies };
  const routes = replaneRoutes(clock, log, needs, toProjectStreamOptions(config));
  const { feeds, refresher } = rooms;
  if (!config.replaneTestingSync || feeds === undefined) return [routes];
  const refresh = refresher.refresh.bind(refresher);
  return [routes, testingSyncRoutes({ syncOrigin: feeds.sync.bind(feeds), refresh })];
}

function buildHttp2({ clock, log }: World, http: HttpApp, limit: ConnectionLimit): Http2Front {
  // As many as there may be connections of HTTP/1.1, which have one at a time.
  return new Http2Front(clock, log, http, { requestsMax: limit.gauge.entriesMax, requestMs: REQUEST_MS_MAX });
}

function streamSource({ reader, feed, store }: AllRooms): StreamSource {
  return {
    read: reader.read.bind(reader),
    subscribe: feed.subscribe.bind(feed),
    keepWhileStreamed: store.keepWhileStreamed.bind(store),
  };
}

/** Loaded only where it is used: with its library it is 120 modules. */
async function buildGrpc(
  config: Config,
  world: World,
  rooms: AllRooms,
  registry: StreamRegistry,
): Promise<GrpcServer> {
  const { buildGrpcServer } = await import('./grpc.js');
  return buildGrpcServer(config, world, { ...rooms, registry, source: streamSource(rooms) });
}

/** Where clients find this process, and where it finds the origins. */
function describeEndpoints(config: Config, ports: Ports): object {
  const { httpPort, httpsPort, grpcPort, grpcTlsPort, adminPort } = ports;
  const at = (host: string, port: number): string =>
    host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    ...(httpPort !== undefined && { http: at(config.host, httpPort) }),
    ...(httpsPort !== undefined && { https: at(config.host, httpsPort) }),
    ...(grpcPort !== undefined && { grpc: at(config.host, grpcPort) }),
    ...(grpcTlsPort !== undefined && { grpcTls: at(config.host, grpcTlsPort) }),
    admin: at(config.adminHost, adminPort),
    specs: config.statsigEndpoint.href,
    idLists: config.idListsStatsigEndpoint.href,
    logEvents: config.logEventStatsigEndpoint.href,
    ...(config.replaneEndpoint !== '' && { replane: config.replaneEndpoint }),
  };
}

function describeStreams(registry: StreamRegistry, shows: KeyFilter | undefined): object {
  const { active: open, refused, dropped, displaced } = registry;
  return { open, refused, dropped, displaced, ...(shows && streamRows(registry, shows)) };
}

function streamRows({ byKey }: StreamRegistry, shows: KeyFilter): object {
  const shown = [...byKey].filter(([sdkKey]) => shows(sdkKey)).sort(([, left], [, right]) => right - left);
  return keyRows(shown.map(([sdkKey, streams]) => ({ sdkKey: maskSdkKey(sdkKey), streams })));
}
