// The servers of a mode: built from the rooms, listening in order, drained together.
import type { Config } from '../config/load-config.js';
import { buildAdminServer } from '../servers/admin/admin-server.js';
import { ListeningPort } from '../servers/listener/listening-port.js';
import { openPorts } from '../servers/listener/open-ports.js';
import { ClientConnections } from '../servers/grpc/client-connections.js';
import { ConfigSpecService } from '../protocols/statsig/grpc/config-spec-service.js';
import { GrpcServer } from '../servers/grpc/grpc-server.js';
import { SpecFrames } from '../protocols/statsig/grpc/grpc-sink.js';
import { HealthService } from '../servers/grpc/health-service.js';
import { LimitReports } from '../servers/grpc/limit-reports.js';
import type { HttpApp } from '../servers/http/fastify-app.js';
import { BodyRoom } from '../servers/http/request-body.js';
import { buildHttpServer } from '../servers/http/http-server.js';
import type { SpecRequestCounts } from '../protocols/statsig/http/spec-routes.js';
import { statsigRoutes } from '../protocols/statsig/http/statsig-routes.js';
import { loadConfigSpecService } from '../protocols/statsig/grpc/config-spec-proto.js';
import type { LogEventStore } from '../protocols/statsig/log-events/log-event-store.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { buildConnectionLimits, gaugesOf } from './connection-limits.js';
import {
  ADMIN_BODY_BYTES_MAX,
  toConfigSpecServiceOptions,
  toConnectionsAsked,
  toGrpcServerOptions,
  toHttpBodyBytesMax,
  toHttpOptions,
  toHttpTimeouts,
  toPorts,
  toStatsigRouteOptions,
} from './room-options.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { Readiness } from '../servers/readiness.js';
import type { IdLists } from './id-lists.js';
import type { Core } from './core.js';
import type { Feature } from './feature.js';
import { keyRows, type KeyFilter } from './key-rows.js';
import type { World } from './world.js';
import { drainHttp, GRPC_MS_MAX, WAIT_FOR_ORIGIN_MS } from './shutdown.js';

/** Undefined for a server that the mode does not have. */
export interface Ports {
  readonly httpPort: number | undefined;
  readonly grpcPort: number | undefined;
  readonly adminPort: number;
}

export interface Servers extends Feature {
  /** Once they are open. */
  readonly ports: Ports;
}

export interface AllRooms extends Core, IdLists {
  readonly logEvents: LogEventStore;
  readonly readiness: Readiness;
  readonly events: ProxyEvents;
}

/** `status` gives what /status answers. */
export function buildServers(
  config: Config,
  world: World,
  rooms: AllRooms,
  status: (keys: string | undefined) => object,
): Servers {
  const { clock, log } = world;
  const registry = new StreamRegistry(clock, { streamsMax: config.grpcMaxConcurrentStreams });
  const connections = buildConnectionLimits(world, toConnectionsAsked(config));
  const admin = buildAdminServer(clock, log, rooms.readiness, status, {
    bodies: new BodyRoom(ADMIN_BODY_BYTES_MAX),
    timeouts: toHttpTimeouts(config),
  });
  const counts: SpecRequestCounts = { sinceTimeIgnored: 0 };
  const http = connections.http && buildPublicServer(config, world, rooms, counts);
  const grpc = connections.grpc && buildGrpcServer(config, world, rooms, registry);
  const apps = http === undefined ? [admin] : [http, admin];
  const at = toPorts(config);
  const httpPort = connections.http && http && new ListeningPort(at.http, connections.http, http.accept);
  const grpcPort = connections.grpc && grpc && new ListeningPort(at.grpc, connections.grpc, grpc.accept);
  const adminPort = new ListeningPort(at.admin, connections.admin, admin.accept);
  const portsNow = (): Ports => ({
    httpPort: httpPort?.number,
    grpcPort: grpcPort?.number,
    adminPort: adminPort.number,
  });
  return {
    name: 'servers',
    open: async () => {
      await Promise.all(apps.map((app) => app.ready()));
      await openPorts([adminPort, grpcPort, httpPort].filter((port) => port !== undefined));
    },
    get ports() {
      return portsNow();
    },
    gauges: () => ({ ...registry.gauges, ...grpc?.gauges, ...gaugesOf(connections) }),
    status: (shows) => ({
      endpoints: describeEndpoints(config, portsNow()),
      streams: {
        open: registry.active,
        refused: registry.refused,
        dropped: registry.dropped,
        displaced: registry.displaced,
        ...(shows && streamRows(registry, shows)),
      },
      ...(http && { requests: { ...counts } }),
      ...(grpc && { grpc: { limitsReached: grpc.limitsReached } }),
      connectionsClosedForOthers: Object.fromEntries(
        Object.entries(connections).map(([server, { closed }]) => [server, closed]),
      ),
    }),
    drain: async () => {
      // Calls of either protocol may wait for the origin.
      const cancelRelease = clock.schedule(WAIT_FOR_ORIGIN_MS, () => {
        void Promise.all([rooms.origin.close(), rooms.idListFileOrigin.close()]);
      });
      const streams = registry.drain(clock);
      try {
        await Promise.all([
          drainHttp(clock, apps, httpPort === undefined ? [adminPort] : [httpPort, adminPort]),
          grpcPort && grpc.drain(streams.overInMs, grpcPort.close(clock, GRPC_MS_MAX)),
        ]);
      } finally {
        streams.cancel();
        cancelRelease();
      }
    },
  };
}

function buildPublicServer(
  config: Config,
  { clock, log }: World,
  rooms: AllRooms,
  counts: SpecRequestCounts,
): HttpApp {
  const { readiness, events, reader, logEvents } = rooms;
  const { manifests, rewrittenManifests, idListFiles } = rooms;
  const sources = {
    specs: reader,
    counts,
    logEvents,
    rewriteManifest: rewrittenManifests.of.bind(rewrittenManifests),
    idListFiles: { find: manifests.find.bind(manifests), read: idListFiles.read.bind(idListFiles) },
  };
  const bodies = new BodyRoom(toHttpBodyBytesMax(config));
  const routes = statsigRoutes(clock, sources, { bodies, ...toStatsigRouteOptions(config) });
  const options = { ...toHttpOptions(config), bodies };
  return buildHttpServer(clock, log, events, readiness, options, [routes]);
}

function buildGrpcServer(
  config: Config,
  { clock, log }: World,
  rooms: AllRooms,
  registry: StreamRegistry,
): GrpcServer {
  const { readiness, events, reader, feed, store } = rooms;
  const source = {
    read: reader.read.bind(reader),
    subscribe: feed.subscribe.bind(feed),
    keepWhileStreamed: store.keepWhileStreamed.bind(store),
  };
  const reports = new LimitReports(clock, log);
  const connections = new ClientConnections(clock, reports, {
    callsAtOnce: registry.streamsMax,
  });
  const configSpecs = new ConfigSpecService(
    clock,
    events,
    { source, registry, frames: new SpecFrames(log), connections },
    toConfigSpecServiceOptions(config),
  );
  const health = new HealthService(readiness, registry, { streamsPercentMax: config.grpcReadyPercentMax });
  const protocols = [{ definition: loadConfigSpecService(), handlers: configSpecs.handlers }];
  const services = { registry, protocols, health, connections, reports };
  return new GrpcServer(clock, services, toGrpcServerOptions(config));
}

/** Where clients find this process, and where it finds the origins. */
function describeEndpoints(config: Config, { httpPort, grpcPort, adminPort }: Ports): object {
  const at = (host: string, port: number): string =>
    host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    ...(httpPort !== undefined && { http: at(config.host, httpPort) }),
    ...(grpcPort !== undefined && { grpc: at(config.host, grpcPort) }),
    admin: at(config.adminHost, adminPort),
    specs: config.statsigEndpoint.href,
    idLists: config.idListsStatsigEndpoint.href,
    logEvents: config.logEventStatsigEndpoint.href,
  };
}

function streamRows({ byKey }: StreamRegistry, shows: KeyFilter): object {
  const shown = [...byKey].filter(([sdkKey]) => shows(sdkKey)).sort(([, left], [, right]) => right - left);
  return keyRows(shown.map(([sdkKey, streams]) => ({ sdkKey: maskSdkKey(sdkKey), streams })));
}
