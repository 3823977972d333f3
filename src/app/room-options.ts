// Config cut into the slices that rooms ask for: units turned into theirs, nothing decided.
import type { PayloadKey } from '../domain/payload-key.js';
import { ID_LISTS } from '../protocols/statsig/resource-kinds.js';
import type { CertificateFiles } from '../config/certificate-files.js';
import type { Config } from '../config/load-config.js';
import type { ConfigSpecServiceOptions } from '../protocols/statsig/grpc/config-spec-service.js';
import type { GrpcServerOptions } from '../servers/grpc/grpc-server.js';
import type { HttpTimeouts } from '../servers/http/fastify-app.js';
import type { HttpServerOptions } from '../servers/http/http-server.js';
import { namedKey } from '../protocols/statsig/http/spec-routes.js';
import type { StatsigRouteOptions } from '../protocols/statsig/http/statsig-routes.js';
import { FILE_PATH } from '../protocols/statsig/id-lists/file-id.js';
import { gateSpecKey } from '../protocols/statsig/gates/gate-watch.js';
import { REPLANE_PROJECT } from '../protocols/replane/project-kind.js';
import type { ProjectFeedsOptions } from '../protocols/replane/origin/project-feeds.js';
import { replaneKeyOf } from '../protocols/replane/http/replane-routes.js';
import type { IdListFilesOptions } from '../protocols/statsig/id-lists/id-list-files.js';
import type { ClientIdentity } from '../network/secure-context.js';
import type { SharedConnections } from '../http-client/upstream-pool.js';
import type { RemoteValuesOptions } from '../protocols/statsig/remote-values/remote-values.js';
import { VALUE_BYTES_MAX } from '../protocols/statsig/remote-values/value-kind.js';
import type { DiskOptions } from '../storage/disk/disk-snapshots.js';
import type { ClientStreamOptions } from '../streams/client-stream.js';
import type { UpstreamOptions } from '../protocols/statsig/origin/upstream-client.js';
import type { PayloadNames } from './pinned-payloads.js';
import type { StatsdOptions } from '../observability/statsd/statsd-sink.js';
import type { ConnectionsByServer } from './connection-shares.js';

const MIB = 1024 * 1024;

export function toHttpOptions(config: Config): Omit<HttpServerOptions, 'bodies' | 'prepared' | 'tracing'> {
  return {
    instanceName: config.instanceName,
    timeouts: toHttpTimeouts(config),
    filePath: FILE_PATH,
    namedKey: (request) => replaneKeyOf(request) ?? namedKey(request),
  };
}

export function toStatsigRouteOptions(config: Config): Omit<StatsigRouteOptions, 'bodies'> {
  return {
    logEventBodyBytesMax: config.logEventBodyMaxMib * MIB,
    idLists: { publicUrl: config.publicUrl, rewritesUrls: !config.disableIdListRewrite },
    streams: toStreamOptions(config),
  };
}

/** From a request's first byte to its last. */
export const REQUEST_MS_MAX = 30_000;

export function toHttpTimeouts(config: Config): HttpTimeouts {
  return {
    keepAliveMs: config.httpKeepAliveTimeoutS * 1000,
    headersMs: 15_000,
    requestMs: REQUEST_MS_MAX,
    checkMs: 5_000,
  };
}

/** Between two tellings of the versions held; 0 for never. */
export function toVersionEventsMs(config: Config): number {
  return config.configSpecCurrentLcutSamplingIntervalS * 1000;
}

/** Nothing on the admin port takes a body. */
export const ADMIN_BODY_BYTES_MAX = MIB;

export function toIdListFilesOptions(config: Config): IdListFilesOptions {
  return { bytesMax: config.idListFilesMaxMib * MIB };
}

/** Between two confirmations of a named value in Redis and on disk, as long as that keeps it there. */
const CONFIRM_VALUES_EVERY_MS = 300_000;

export function toRemoteValuesOptions(config: Config): RemoteValuesOptions {
  const confirmEveryMs = Math.min(CONFIRM_VALUES_EVERY_MS, (config.redisCacheTtlS * 1000) / 3);
  return { bytesMax: config.remoteValuesMaxMib * MIB, confirmEveryMs };
}

/** Values of 10 kB, about; where they are larger, their bytes are what counts. */
const VALUE_FILES_PER_MIB = 100;

export function toValueFileOptions({
  remoteValuesMaxMib,
}: Config): Pick<DiskOptions, 'what' | 'filesMax' | 'bytesMax' | 'limits'> {
  return {
    what: 'remote values',
    filesMax: remoteValuesMaxMib * VALUE_FILES_PER_MIB,
    bytesMax: remoteValuesMaxMib * MIB,
    // Taken in with what a useless compression adds.
    limits: { encodedBytesMax: 2 * VALUE_BYTES_MAX, decodedBytesMax: VALUE_BYTES_MAX },
  };
}

/** People and scrapers, not SDKs. */
const ADMIN_CONNECTIONS_MAX = 300;
/** Clients that ask once, and those that are just being replaced. */
const GRPC_CONNECTIONS_BESIDE_STREAMS = 1_000;

/** Client connections by server. */
export function toConnectionsAsked(config: Config): ConnectionsByServer & { readonly admin: number } {
  return {
    ...(config.mode === 'grpc' ? {} : { http: config.httpConnectionsMax }),
    ...(config.mode === 'http'
      ? {}
      : { grpc: config.grpcMaxConcurrentStreams + GRPC_CONNECTIONS_BESIDE_STREAMS }),
    admin: ADMIN_CONNECTIONS_MAX,
  };
}

export function toPinnedPayloadNames(config: Config): PayloadNames {
  const { pinnedPayloadNames, warmUpPayloads, replaneEndpoint } = config;
  return {
    knowsReplane: replaneEndpoint !== '',
    of: (sdkKey) => [...pinnedPayloadNames, ...(warmUpPayloads.get(sdkKey) ?? [])],
  };
}

/** What this process reads for itself: the spec with the gate that decides on profiles. */
export function toOwnPayloads({ profiling }: Config): readonly PayloadKey[] {
  return profiling.gateProject === undefined ? [] : [gateSpecKey(profiling.gateProject.sdkKey)];
}

/** The host of a payload's origin. */
export function toHostOf(config: Config): (key: PayloadKey) => string {
  const { statsigEndpoint, idListsStatsigEndpoint, replaneEndpoint } = config;
  const replaneHost = replaneEndpoint === '' ? '' : new URL(replaneEndpoint).host;
  return ({ kind }) => {
    if (kind === REPLANE_PROJECT) return replaneHost;
    return (kind === ID_LISTS ? idListsStatsigEndpoint : statsigEndpoint).host;
  };
}

/** `connections`: one way to each origin for all clients. */
export function toUpstreamOptions(
  config: Config,
  version: string,
  connections?: SharedConnections,
): Omit<UpstreamOptions, 'path'> {
  const decodedBytesMax = config.specBodyMaxMib * MIB;
  return {
    endpoint: config.statsigEndpoint,
    version,
    requestTimeoutMs: config.httpRequestTimeoutS * 1000,
    connectTimeoutMs: config.httpConnectTimeoutS * 1000,
    headersTimeoutMs: config.httpReadTimeoutS * 1000,
    bodyIdleTimeoutMs: config.httpReadTimeoutS * 1000,
    idleConnectionsMax: config.httpConnectionPoolMaxIdlePerHost,
    idleConnectionMs: config.httpConnectionPoolIdleTimeoutS * 1000,
    bodyLimits: { encodedBytesMax: decodedBytesMax / 2, decodedBytesMax },
    caPem: config.originCaPem,
    identity: identityOf(config.originCertificate),
    httpProxy: config.httpProxy,
    httpsProxy: config.httpsProxy,
    noProxy: config.noProxy,
    ...(connections && { connections }),
  };
}

/** To be asked for where there is an endpoint. */
export function toProjectFeedsOptions(
  config: Config,
  version: string,
  connections: SharedConnections,
): ProjectFeedsOptions {
  const { bodyLimits, ...upstream } = toUpstreamOptions(config, version, connections);
  return {
    ...upstream,
    endpoint: new URL(config.replaneEndpoint),
    projectBytesMax: bodyLimits.encodedBytesMax,
  };
}

export function identityOf(given: CertificateFiles | undefined): ClientIdentity | undefined {
  return given && { cert: given.files.certificate.pem, key: given.files.key.pem };
}

/** Silence on a stream after which the client hears that all is well: what SFP keeps to. */
const HEARTBEAT_MS = 30_000;

/** Of streams over any wire. */
function toStreamOptions(config: Config): ClientStreamOptions {
  return { heartbeatMs: HEARTBEAT_MS, stallMs: config.grpcStreamStallTimeoutS * 1000 };
}

/** Replane's SDKs give a stream up that is silent for 30 s. */
const PING_EVERY_MS = 15_000;

export function toProjectStreamOptions(config: Config): ClientStreamOptions {
  return { ...toStreamOptions(config), heartbeatMs: PING_EVERY_MS };
}

export function toConfigSpecServiceOptions(config: Config): ConfigSpecServiceOptions {
  return { instanceName: config.instanceName, ...toStreamOptions(config) };
}

export function toGrpcServerOptions(config: Config): GrpcServerOptions {
  const { stallMs } = toConfigSpecServiceOptions(config);
  return { connectionAgeMs: config.grpcMaxConnectionAgeS * 1000, stallMs };
}

/** Global tags in SFP's order. */
export function toStatsdOptions(config: Config): StatsdOptions {
  const tags = [
    ['version', config.ddVersion],
    ['env', config.ddEnv],
    ['service', config.ddService],
    ['pod_name', config.instanceName],
  ] as const;
  return {
    // With both asked for, SFP sends distributions.
    isDatadog: config.datadogLogging,
    address: config.statsdSocket === '' ? `${config.statsdHost}:${config.statsdPort}` : config.statsdSocket,
    globalTags: tags.filter(([, value]) => value !== '').map(([name, value]) => `${name}:${value}`),
    datagramBytesMax: config.dogstatsdMaxBufferSize || (isOnThisHost(config) ? 8_000 : 1_432),
    datagramMs: config.dogstatsdMaxTimeMs,
    sumMs: config.datadogMaxBatchTimeMs,
    sumsMax: config.datadogMaxBatchEventCount,
    retriesMax: config.dogstatsdMaxRetryAttempt,
    firstRetryMs: config.dogstatsdInitialRetryDelayMs,
  };
}

function isOnThisHost({ statsdHost, statsdSocket }: Config): boolean {
  return statsdSocket !== '' || /^(?:localhost|127\.[\d.]+|::1)$/.test(statsdHost);
}
