// Builds the gRPC server from the rooms: what it serves, its health, and the limits on its clients.
import type { Config } from '../config/load-config.js';
import type { ProxyEvents } from '../observability/proxy-events.js';
import type { Tracing } from '../observability/tracing.js';
import type { ClientCensus } from '../protocols/statsig/clients/client-census.js';
import { ConfigSpecService } from '../protocols/statsig/grpc/config-spec-service.js';
import { loadConfigSpecService } from '../protocols/statsig/grpc/config-spec-proto.js';
import { SpecFrames } from '../protocols/statsig/grpc/grpc-sink.js';
import { GrpcServer } from '../servers/grpc/grpc-server.js';
import { HealthService } from '../servers/grpc/health-service.js';
import { ClientConnections } from '../servers/http2/client-connections.js';
import { LimitReports } from '../servers/http2/limit-reports.js';
import type { Readiness } from '../servers/readiness.js';
import type { StreamSource } from '../streams/open-stream.js';
import type { StreamRegistry } from '../streams/stream-registry.js';
import { toConfigSpecServiceOptions, toGrpcServerOptions } from './room-options.js';
import type { World } from './world.js';

export interface GrpcRooms {
  readonly readiness: Readiness;
  readonly events: ProxyEvents;
  readonly census: ClientCensus;
  readonly tracing: Tracing | undefined;
  readonly registry: StreamRegistry;
  readonly source: StreamSource;
}

export function buildGrpcServer(
  config: Config,
  { clock, log }: World,
  { readiness, events, census, tracing, registry, source }: GrpcRooms,
): GrpcServer {
  const reports = new LimitReports(clock, log, 'gRPC');
  const connections = new ClientConnections(clock, reports, {
    callsAtOnce: registry.streamsMax,
  });
  const configSpecs = new ConfigSpecService(
    clock,
    log,
    events,
    { source, registry, frames: new SpecFrames(log), connections, census, tracing },
    toConfigSpecServiceOptions(config),
  );
  const health = new HealthService(readiness, registry, { streamsPercentMax: config.grpcReadyPercentMax });
  const protocols = [{ definition: loadConfigSpecService(), handlers: configSpecs.handlers }];
  const services = { registry, protocols, health, connections, reports };
  return new GrpcServer(clock, services, toGrpcServerOptions(config));
}
