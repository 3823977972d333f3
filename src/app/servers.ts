// The servers of a mode: built from the rooms, listening in order, drained together.
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/load-config.js';
import { buildAdminServer } from '../servers/admin/admin-server.js';
import type { ConnectionLimit } from '../servers/connection-limit.js';
import { ClientConnections } from '../servers/grpc/client-connections.js';
import { ConfigSpecService } from '../protocols/statsig/grpc/config-spec-service.js';
import { GrpcServer } from '../servers/grpc/grpc-server.js';
import { SpecFrames } from '../protocols/statsig/grpc/grpc-sink.js';
import { HealthService } from '../servers/grpc/health-service.js';
import { LimitReports } from '../servers/grpc/limit-reports.js';
import { BodyRoom } from '../servers/http/request-body.js';
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
  toHttpTimeouts,
  toStatsigRouteOptions,
} from './room-options.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { Readiness } from '../servers/readiness.js';
import type { IdLists } from './id-lists.js';
import type { EventRooms } from './log-events.js';
import type { Core } from './core.js';
import type { World } from './world.js';
import { drainHttp, WAIT_FOR_ORIGIN_MS } from './shutdown.js';

/** Undefined for a server that the mode does not have. */
export interface Ports {
  readonly httpPort: number | undefined;
  readonly grpcPort: number | undefined;
  readonly adminPort: number;
}

export interface Servers {
  readonly registry: StreamRegistry;
  /** Undefined where the mode has no gRPC. */
  describeGrpc(): ReturnType<GrpcServer['describe']> | undefined;
  readonly connections: ConnectionLimits;
  /** Rejects where a port cannot be had. */
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
    connections: connections.admin,
    bodies: new BodyRoom(ADMIN_BODY_BYTES_MAX),
    timeouts: toHttpTimeouts(config),
  });
  const bodies = new BodyRoom(toHttpBodyBytesMax(config));
  const routes = statsigRoutes(clock, sources, { bodies, ...toStatsigRouteOptions(config) });
  const http =
    connections.http &&
    buildHttpServer(
      clock,
      log,
      events,
      readiness,
      { ...toHttpOptions(config), connections: connections.http, bodies },
      [routes],
    );
  const grpc = connections.grpc && buildGrpcServer(config, world, rooms, registry, connections.grpc);
  return {
    registry,
    describeGrpc: () => grpc?.describe(),
    connections,
    listen: async () => {
      await admin.listen({ host: config.adminHost, port: config.adminPort });
      const grpcPort = await grpc?.listen(config.host, config.grpcPort);
      await http?.listen({ host: config.host, port: config.httpPort });
      return { httpPort: http && portOf(http), grpcPort, adminPort: portOf(admin) };
    },
    drain: async () => {
      const apps = http === undefined ? [admin] : [http, admin];
      // Calls of either protocol may wait for the origin.
      const cancelRelease = clock.schedule(WAIT_FOR_ORIGIN_MS, () => {
        void Promise.all([origin.close(), rooms.idListFileOrigin.close()]);
      });
      const streams = registry.drain(clock);
      try {
        await Promise.all([drainHttp(clock, apps), grpc?.drain(streams.overInMs)]);
      } finally {
        streams.cancel();
        cancelRelease();
      }
    },
  };
}

function buildGrpcServer(
  config: Config,
  { clock, log }: World,
  rooms: AllRooms,
  registry: StreamRegistry,
  connectionLimit: ConnectionLimit,
): GrpcServer {
  const { readiness, events, reader, feed, store } = rooms;
  const source = {
    read: reader.read.bind(reader),
    subscribe: feed.subscribe.bind(feed),
    keepWhileStreamed: store.keepWhileStreamed.bind(store),
  };
  const reports = new LimitReports(clock, log);
  const connections = new ClientConnections(clock, connectionLimit, reports, {
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

function portOf(server: FastifyInstance): number {
  return (server.server.address() as AddressInfo).port;
}
