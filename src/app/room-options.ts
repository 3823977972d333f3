// Config cut into the slices that rooms ask for: units turned into theirs, nothing decided.
import type { FleetMemberOptions } from '../datastore/fleet-member.js';
import type { Config } from '../config/load-config.js';
import type { ConfigSpecServiceOptions } from '../servers/grpc/config-spec-service.js';
import type { GrpcServerOptions } from '../servers/grpc/grpc-server.js';
import type { HttpLimits } from '../servers/http/fastify-app.js';
import type { HttpServerOptions } from '../servers/http/http-server.js';
import type { PollerOptions } from '../sources/upstream/poller.js';
import type { UpstreamOptions } from '../sources/upstream/upstream-client.js';

const MIB = 1024 * 1024;

export function toHttpOptions(config: Config): HttpServerOptions {
  return {
    instanceName: config.instanceName,
    keepAliveTimeoutMs: config.httpKeepAliveTimeoutS * 1000,
    connectionsMax: config.httpConnectionsMax,
  };
}

/** People and scrapers, not SDKs. */
const ADMIN_CONNECTIONS_MAX = 100;

export function toAdminLimits(config: Config): HttpLimits {
  return { keepAliveTimeoutMs: config.httpKeepAliveTimeoutS * 1000, connectionsMax: ADMIN_CONNECTIONS_MAX };
}

export function toPollerOptions(config: Config): PollerOptions {
  return {
    intervalMs: config.pollingIntervalS * 1000,
    inFlightMax: config.updateBatchSize,
    instanceName: config.instanceName,
  };
}

export function toFleetOptions(config: Config): FleetMemberOptions {
  return { ...toPollerOptions(config), clearOnUnauthorized: config.clearDatastoreOnUnauthorized };
}

export function toUpstreamOptions(config: Config, version: string): UpstreamOptions {
  const decodedBytesMax = config.specBodyMaxMib * MIB;
  return {
    endpoint: config.statsigEndpoint,
    version,
    requestTimeoutMs: config.httpRequestTimeoutS * 1000,
    connectTimeoutMs: config.httpConnectTimeoutS * 1000,
    headersTimeoutMs: config.httpReadTimeoutS * 1000,
    bodyIdleTimeoutMs: config.httpReadTimeoutS * 1000,
    idleConnectionsMax: config.httpConnectionPoolMaxIdlePerHost,
    bodyLimits: { encodedBytesMax: decodedBytesMax / 2, decodedBytesMax },
    caPem: config.originCaPem,
    httpProxy: config.httpProxy,
    httpsProxy: config.httpsProxy,
    noProxy: config.noProxy,
  };
}

/** Silence on a stream after which the client hears that all is well: what SFP keeps to. */
const HEARTBEAT_MS = 30_000;

export function toConfigSpecServiceOptions(config: Config): ConfigSpecServiceOptions {
  return {
    instanceName: config.instanceName,
    heartbeatMs: HEARTBEAT_MS,
    stallMs: config.grpcStreamStallTimeoutS * 1000,
  };
}

export function toGrpcServerOptions(config: Config): GrpcServerOptions {
  const { stallMs } = toConfigSpecServiceOptions(config);
  return { connectionAgeMs: config.grpcMaxConnectionAgeS * 1000, stallMs };
}
