// The servers of a mode: built from the rooms, listening in order, drained together.
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/load-config.js';
import { buildAdminServer } from '../servers/admin/admin-server.js';
import { ConfigSpecService } from '../servers/grpc/config-spec-service.js';
import { GrpcServer } from '../servers/grpc/grpc-server.js';
import { SpecFrames } from '../servers/grpc/grpc-sink.js';
import { HealthService } from '../servers/grpc/health-service.js';
import { buildHttpServer } from '../servers/http/http-server.js';
import { StreamRegistry } from '../servers/stream-registry.js';
import {
  toAdminLimits,
  toConfigSpecServiceOptions,
  toGrpcServerOptions,
  toHttpOptions,
} from './room-options.js';
import type { AllRooms } from './rooms.js';
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
  /** Rejects where a port cannot be had. */
  listen(): Promise<Ports>;
  /** Lets answers and streams end within their deadlines; safe where nothing listens yet. */
  drain(): Promise<void>;
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
  const admin = buildAdminServer(log, readiness, status, toAdminLimits(config));
  const http =
    config.mode === 'grpc'
      ? undefined
      : buildHttpServer(clock, log, events, sources, readiness, toHttpOptions(config));
  const grpc = config.mode === 'http' ? undefined : buildGrpcServer(config, world, rooms, registry);
  return {
    registry,
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
      try {
        await Promise.all([drainHttp(clock, apps), grpc?.drain()]);
      } finally {
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
): GrpcServer {
  const { readiness, events, reader, feed, store } = rooms;
  const source = {
    read: reader.read.bind(reader),
    subscribe: feed.subscribe.bind(feed),
    keepWhileStreamed: store.keepWhileStreamed.bind(store),
  };
  const configSpecs = new ConfigSpecService(
    clock,
    events,
    source,
    { registry, frames: new SpecFrames(log), readiness },
    toConfigSpecServiceOptions(config),
  );
  const health = new HealthService(readiness, registry, { streamsPercentMax: config.grpcReadyPercentMax });
  return new GrpcServer(clock, { registry, configSpecs, health }, toGrpcServerOptions(config));
}

function portOf(server: FastifyInstance): number {
  return (server.server.address() as AddressInfo).port;
}
