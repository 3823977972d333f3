// The catalogue of events: SFP's name, operation and tags of each, and the instruments of /metrics that it feeds.
import type { ProxyEventFields } from './event-fields.js';
import type { Instrument, Label } from './instrument.js';
import { eventInstruments as to } from './instruments.js';
import type { LabelValue } from './series.js';

/** SFP's tags, and what of an event each shows. */
export const TAG_VALUES = {
  sdk_key: ({ sdkKey }) => sdkKey,
  path: ({ path }) => path,
  lcut: ({ lcut }) => lcut,
  status_code: ({ status }) => status,
  'accept-encoding': ({ acceptEncoding }) => acceptEncoding,
  'content-encoding': ({ contentEncoding }) => contentEncoding,
  sdk_type: ({ sdkType }) => sdkType,
  sdk_version: ({ sdkVersion }) => sdkVersion,
  client_service: ({ clientService }) => clientService,
  response_payload_type: ({ responsePayload }) => responsePayload,
} as const satisfies Record<string, (fields: ProxyEventFields) => string | number | undefined>;

export type Tag = keyof typeof TAG_VALUES;

/** A latency is sent with each value, in milliseconds; counts are summed; of a gauge the last value stays. */
export type Operation = 'latency' | 'count' | 'gauge';

export interface Feed {
  readonly instrument: Instrument;
  /** Labels that this event has always; the others are taken from its fields. */
  readonly fixed: Partial<Record<Label, string>>;
}

export interface CatalogueRow {
  /** When it is stated, for docs/monitoring.md. */
  readonly when: string;
  /** Undefined for an event that SFP does not know: it feeds /metrics only. */
  readonly sfp: { readonly operation: Operation; readonly tags: readonly Tag[] } | undefined;
  readonly feeds: readonly Feed[];
}

const PAYLOAD: readonly Tag[] = ['sdk_key', 'path', 'accept-encoding'];
const VERSION: readonly Tag[] = [...PAYLOAD, 'lcut'];
const ANSWER: readonly Tag[] = [
  ...VERSION,
  'status_code',
  'content-encoding',
  'sdk_type',
  'sdk_version',
  'client_service',
  'response_payload_type',
];

function row(when: string, operation: Operation, tags: readonly Tag[], ...feeds: Feed[]): CatalogueRow {
  return { when, sfp: { operation, tags }, feeds };
}

function ours(when: string, ...feeds: Feed[]): CatalogueRow {
  return { when, sfp: undefined, feeds };
}

function feed(instrument: Instrument, fixed: Partial<Record<Label, string>> = {}): Feed {
  return { instrument, fixed };
}

function redis(operation: string, outcome: string): Feed[] {
  return [feed(to.redisOperations, { operation, outcome }), feed(to.redisDurations, { operation })];
}

export const catalogue = {
  HttpServerRequestSuccess: row(
    'an answer of the public HTTP port below 400, also to a probe',
    'latency',
    ANSWER,
    feed(to.httpRequests),
  ),
  HttpServerRequestFailed: row(
    'any other answer of the public HTTP port',
    'latency',
    ANSWER,
    feed(to.httpRequests),
  ),
  HttpDataProviderGotData: row(
    'a fetch from the origin brought a spec',
    'latency',
    [...VERSION, 'status_code', 'content-encoding'],
    feed(to.upstreamRequests, { outcome: 'updated' }),
  ),
  HttpDataProviderNoData: row(
    'a fetch from the origin said that there is nothing new',
    'latency',
    [...VERSION, 'status_code'],
    feed(to.upstreamRequests, { outcome: 'unchanged' }),
  ),
  HttpDataProviderError: row(
    'a fetch from the origin failed, or the origin refused the SDK key',
    'latency',
    [...VERSION, 'status_code'],
    feed(to.upstreamRequests),
    feed(to.upstreamFailures),
  ),
  DcsFetchSource: row('a fetch of a spec from the origin; its source is always cdn', 'count', [
    'status_code',
    'client_service',
  ]),
  BackgroundDataProviderRequestInterval: row(
    'a fetch of a spec that this replica fetched before: the time since then',
    'latency',
    PAYLOAD,
    feed(to.upstreamInterval),
  ),
  ConfigSpecStoreGotData: row(
    'a new version is held, from the origin or from a backup',
    'count',
    VERSION,
    feed(to.versionsHeld),
  ),
  UpdateConfigSpecStorePropagationDelayMs: row(
    'a newer version replaces one that is held: now less the time of the change',
    'latency',
    VERSION,
    feed(to.propagation),
  ),
  ConfigSpecCurrentLcut: row('every 60 s for each spec held: its version', 'gauge', PAYLOAD),
  GrpcStreamingStreamedInitialized: row(
    'a gRPC stream took its first message',
    'count',
    PAYLOAD,
    feed(to.streamsOpened),
    feed(to.messages, { kind: 'first' }),
  ),
  GrpcStreamingStreamedResponse: row(
    'a newer version was sent on a gRPC stream',
    'count',
    PAYLOAD,
    feed(to.messages, { kind: 'update' }),
  ),
  GrpcStreamingHealthcheckSent: row(
    'a heartbeat was sent on a gRPC stream',
    'count',
    PAYLOAD,
    feed(to.messages, { kind: 'heartbeat' }),
  ),
  GrpcStreamingStreamUnauthorized: row(
    'a gRPC stream was not opened, as there is no spec for its key',
    'count',
    PAYLOAD,
    feed(to.streamsRefused),
  ),
  GrpcStreamingStreamDisconnected: row('a gRPC stream ended', 'count', PAYLOAD, feed(to.streamsClosed)),
  GrpcEstimatedActiveStreams: row('every 60 s: gRPC streams that are open', 'gauge', []),
  StreamingChannelGotNewData: row(
    'a new version is published to at least one open stream',
    'count',
    PAYLOAD,
    feed(to.updatesPublished),
  ),
  RedisCacheWriteSucceed: row(
    'a version was written to Redis',
    'count',
    VERSION,
    ...redis('write', 'stored'),
  ),
  RedisCacheWriteFailed: row(
    'a version could not be written to Redis',
    'count',
    VERSION,
    ...redis('write', 'failed'),
  ),
  RedisCacheWriteSkipped: row(
    'Redis has the version, or a newer one',
    'count',
    VERSION,
    ...redis('write', 'skipped'),
  ),
  RedisCacheTtlRefreshed: row(
    'a version in Redis was confirmed, so that it stays for another TTL',
    'count',
    PAYLOAD,
    ...redis('confirm', 'stored'),
  ),
  RedisCacheTtlRefreshMissed: row(
    'a version to be confirmed is not in Redis: it is written next',
    'count',
    PAYLOAD,
    ...redis('confirm', 'missing'),
  ),
  RedisCacheTtlRefreshFailed: row(
    'a version in Redis could not be confirmed',
    'count',
    PAYLOAD,
    ...redis('confirm', 'failed'),
  ),
  RedisCacheReadSucceed: row('a version was read from Redis', 'count', VERSION, ...redis('read', 'found')),
  RedisCacheReadMiss: row('Redis had nothing for a read', 'count', PAYLOAD, ...redis('read', 'missing')),
  RedisCacheReadFailed: row(
    'a read from Redis failed, or what is there cannot be used',
    'count',
    PAYLOAD,
    ...redis('read', 'failed'),
  ),
  RedisCacheDeleteSucceed: row(
    'a refused spec is gone from Redis',
    'count',
    PAYLOAD,
    ...redis('delete', 'removed'),
  ),
  RedisCacheDeleteFailed: row(
    'a refused spec could not be deleted from Redis',
    'count',
    PAYLOAD,
    ...redis('delete', 'failed'),
  ),
  LogEventStoreDeduped: row(
    'exposures were left out of a batch of log events: how many',
    'count',
    PAYLOAD,
    feed(to.eventsDeduplicated),
  ),
  LogEventStoreDedupeCacheCleared: row(
    'the oldest half of the remembered exposures was forgotten',
    'count',
    [],
    feed(to.dedupeCacheCleared),
  ),
  ClientGotUpdate: ours(
    'a client is sent a version newer than the one that it holds',
    feed(to.clientUpdateDelay),
  ),
  GrpcCallAnswered: ours('a gRPC call that is answered once has its answer', feed(to.grpcCalls)),
  RemoteValueFetched: ours('a fetch of a remote value from the origin ended', feed(to.valueFetches)),
  RemoteValuesAwaited: ours(
    'a version of a spec that names remote values has them, or waits no longer',
    feed(to.valueWaits),
  ),
  EventStreamOpened: ours(
    'a stream of server-sent events took its first message',
    feed(to.eventStreamsOpened),
    feed(to.eventStreamMessages, { kind: 'first' }),
  ),
  EventStreamUpdateSent: ours(
    'a newer version, or that there is one, was sent on a stream of server-sent events',
    feed(to.eventStreamMessages, { kind: 'update' }),
  ),
  EventStreamHeartbeatSent: ours(
    'a heartbeat was sent on a stream of server-sent events',
    feed(to.eventStreamMessages, { kind: 'heartbeat' }),
  ),
  EventStreamRefused: ours(
    'a stream of server-sent events was not opened: there is no spec for its key, or no place',
    feed(to.eventStreamsRefused),
  ),
  EventStreamClosed: ours('a stream of server-sent events ended', feed(to.eventStreamsClosed)),
  GrpcStreamLimitReached: ours(
    'a gRPC stream was not opened, as every place was taken',
    feed(to.streamsRefused, { reason: 'limit_reached' }),
  ),
} as const satisfies Record<string, CatalogueRow>;

export type ProxyEventName = keyof typeof catalogue;

/** What a label is made of, where the row does not fix it. Functions, as looking a field up by its name takes longer. */
export const LABEL_VALUES: Partial<Record<Label, (fields: ProxyEventFields) => LabelValue | undefined>> = {
  api: ({ api }) => api,
  code: ({ status }) => status,
  format: ({ format }) => format,
  method: ({ method }) => method,
  outcome: ({ outcome }) => outcome,
  reason: ({ reason }) => reason,
  route: ({ route }) => route,
};
