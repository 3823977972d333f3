// The servers of a mode: built from the rooms, listening in order, drained together.
import type { Config } from '../config/load-config.js';
import { buildAdminServer } from '../servers/admin/admin-server.js';
import { Certificates } from '../servers/listener/certificates.js';
import type { ConnectionLimit } from '../servers/listener/connection-limit.js';
import type { HttpApp } from '../servers/http/fastify-app.js';
import { openPorts } from '../servers/listener/open-ports.js';
import { TlsFront } from '../servers/listener/tls-front.js';
import { ClientConnections } from '../servers/http2/client-connections.js';
import { ConfigSpecService } from '../protocols/statsig/grpc/config-spec-service.js';
import { GrpcServer } from '../servers/grpc/grpc-server.js';
import { SpecFrames } from '../protocols/statsig/grpc/grpc-sink.js';
import { HealthService } from '../servers/grpc/health-service.js';
import { LimitReports } from '../servers/http2/limit-reports.js';
import { BodyRoom } from '../servers/http/request-body.js';
import { Http2Front } from '../servers/http/http2-front.js';
import { buildHttpServer } from '../servers/http/http-server.js';
import { statsigRoutes } from '../protocols/statsig/http/statsig-routes.js';
import { loadConfigSpecService } from '../protocols/statsig/grpc/config-spec-proto.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { buildConnectionLimits, type ConnectionLimits } from './connection-limits.js';
import {
  ADMIN_BODY_BYTES_MAX,
  toConfigSpecServiceOptions,
  toConnectionsAsked,
  toGrpcServerOptions,
  toHttpBodyBytesMax,
  toHttpOptions,
  REQUEST_MS_MAX,
  toHttpTimeouts,
  toStatsigRouteOptions,
} from './room-options.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { Readiness } from '../servers/readiness.js';
import type { IdLists } from './id-lists.js';
import type { EventRooms } from './log-events.js';
import type { Core } from './core.js';
import type { World } from './world.js';
import { PublicAndAdminPorts, type Ports } from './ports.js';
import { drainHttp, GRPC_MS_MAX, WAIT_FOR_ORIGIN_MS } from './shutdown.js';

export interface Servers {
  readonly registry: StreamRegistry;
  /** Undefined where the mode has no gRPC. */
  describeGrpc(): ReturnType<GrpcServer['describe']> | undefined;
  /** Undefined without TLS. */
  describeTls(): object | undefined;
  readonly connections: ConnectionLimits;
  /** Of the TLS ports. */
  readonly certificates: Certificates | undefined;
  /** Rejects with PortsUnavailable where any cannot be had. */
  listen(): Promise<Ports>;
  /** Lets answers and streams end within their deadlines; safe where nothing listens yet. */
  drain(): Promise<void>;
}

export interface AllRooms extends Core, IdLists, EventRooms {
  readonly readiness: Readiness;
  readonly events: ProxyEvents;
}

/** `status` gives what /status answers. */
export function buildServers(config: Config, world: World, rooms: AllRooms, status: () => object): Servers {
  const { clock, log } = world;
  const { readiness, events, reader, origin } = rooms;
  const { manifests, rewrittenManifests, idListFiles, logEvents } = rooms;
  const sources = {
    specs: reader,
    logEvents,
    rewriteManifest: rewrittenManifests.of.bind(rewrittenManifests),
    idListFiles: { find: manifests.find.bind(manifests), read: idListFiles.read.bind(idListFiles) },
  };
  const registry = new StreamRegistry({ streamsMax: config.grpcMaxConcurrentStreams });
  const connections = buildConnectionLimits(world, toConnectionsAsked(config));
  const admin = buildAdminServer(clock, log, readiness, status, {
    bodies: new BodyRoom(ADMIN_BODY_BYTES_MAX),
    timeouts: toHttpTimeouts(config),
  });
  const bodies = new BodyRoom(toHttpBodyBytesMax(config));
  const routes = statsigRoutes(clock, sources, { bodies, ...toStatsigRouteOptions(config) });
  const http =
    connections.http &&
    buildHttpServer(clock, log, events, readiness, { ...toHttpOptions(config), bodies }, [routes]);
  const grpc = connections.grpc && buildGrpcServer(config, world, rooms, registry);
  const apps = http === undefined ? [admin] : [http, admin];
  const certificates = config.tls && new Certificates(clock, log, config.tls.files);
  const tls = config.tls && certificates && new TlsFront(clock, log, certificates, config.tls);
  const http2 = tls && http && buildHttp2(world, http, connections.http);
  const ports = new PublicAndAdminPorts(config, connections, { http, http2, grpc, admin, tls });
  return {
    registry,
    describeGrpc: () => grpc?.describe(),
    describeTls: () => tls && { ...tls.describe(), ...(http2 && { http2: http2.describe() }) },
    connections,
    certificates,
    listen: async () => {
      await Promise.all(apps.map((app) => app.ready()));
      await openPorts([...ports.ofHttp, ...ports.ofGrpc]);
      return ports.numbers;
    },
    drain: async () => {
      // Calls of either protocol may wait for the origin.
      const cancelRelease = clock.schedule(WAIT_FOR_ORIGIN_MS, () => {
        void Promise.all([origin.close(), rooms.idListFileOrigin.close()]);
      });
      const streams = registry.drain(clock);
      http2?.drain();
      certificates?.stop();
      const grpcClosed = ports.ofGrpc.map((port) => port.close(clock, GRPC_MS_MAX));
      try {
        await Promise.all([
          drainHttp(clock, apps, ports.ofHttp),
          grpc?.drain(streams.overInMs, Promise.all(grpcClosed)),
        ]);
      } finally {
        streams.cancel();
        cancelRelease();
      }
    },
  };
}

function buildHttp2({ clock, log }: World, http: HttpApp, limit: ConnectionLimit): Http2Front {
  // As many as there may be connections of HTTP/1.1, which have one at a time.
  return new Http2Front(clock, log, http, { requestsMax: limit.table.entriesMax, requestMs: REQUEST_MS_MAX });
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
  const reports = new LimitReports(clock, log, 'gRPC');
  const connections = new ClientConnections(clock, reports, {
    callsAtOnce: registry.streamsMax,
  });
  const configSpecs = new ConfigSpecService(
    clock,
    events,
    { source, registry, frames: new SpecFrames(log), readiness, connections },
    toConfigSpecServiceOptions(config),
  );
  const health = new HealthService(readiness, registry, { streamsPercentMax: config.grpcReadyPercentMax });
  const protocols = [{ definition: loadConfigSpecService(), handlers: configSpecs.handlers }];
  const services = { registry, protocols, health, connections, reports };
  return new GrpcServer(clock, services, toGrpcServerOptions(config));
}
