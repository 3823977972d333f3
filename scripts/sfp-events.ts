// What Statsig's forward proxy sends, event by event, as recorded of 4.1 and read of 4.5; and where this proxy differs.
import type { Operation, Tag } from '../src/observability/catalogue.js';

export interface SfpEvent {
  readonly operation: Operation;
  /** In the order of its lines. 4.1; for an event that came later, all of them. */
  readonly tags: readonly (Tag | 'file_id')[];
  /** Tags that 4.3 to 4.5 added. */
  readonly later: readonly Tag[];
  /** Of the first version that has it, where that is not 4.1. */
  readonly since: string | undefined;
  /** Tags that it has not here. */
  readonly lacks: readonly Tag[];
  /** What differs here, or why it does not exist. Empty where nothing does. */
  readonly differs: string;
  readonly isAbsent: boolean;
}

interface Rest {
  readonly later?: readonly Tag[];
  readonly since?: string;
  readonly lacks?: readonly Tag[];
  readonly differs?: string;
}

const PAYLOAD = ['sdk_key', 'path', 'accept-encoding'] as const;
const VERSION = ['sdk_key', 'path', 'lcut', 'accept-encoding'] as const;
const ANSWER = ['sdk_key', 'path', 'lcut', 'status_code', 'accept-encoding', 'content-encoding'] as const;
const OF_CLIENT = ['sdk_type', 'sdk_version', 'client_service', 'response_payload_type'] as const;

function event(operation: Operation, tags: SfpEvent['tags'], rest: Rest = {}): SfpEvent {
  const same = { later: [], since: undefined, lacks: [], differs: '' };
  return { operation, tags, ...same, ...rest, isAbsent: false };
}

function absent(operation: Operation, tags: SfpEvent['tags'], differs: string, since?: string): SfpEvent {
  return { operation, tags, later: [], since, lacks: [], differs, isAbsent: true };
}

const NOT_SELECTABLE = 'does not exist: of a cache that cannot be selected in SFP either';
const READ_FIRST = 'Redis is read before a first fetch; in SFP, after a fetch that failed';
const NO_NGINX =
  'does not exist: no nginx, and no cache on disk in front of the proxy. What specs take is `sfp_spec_bytes`';

export const SFP_EVENTS: Readonly<Record<string, SfpEvent>> = {
  HttpServerRequestSuccess: event('latency', ANSWER, {
    later: OF_CLIENT,
    differs: 'every request, as no nginx answers in front; 304 counts; `sdk_key` of a probe is `none`',
  }),
  HttpServerRequestFailed: event('latency', ANSWER, {
    later: OF_CLIENT,
    differs: 'every request; `path` of an unknown route is `other`, not the path itself',
  }),
  HttpDataProviderGotData: event('latency', [...VERSION, 'content-encoding'], { later: ['status_code'] }),
  HttpDataProviderNoData: event('latency', VERSION, { later: ['status_code'] }),
  HttpDataProviderNoDataDueToBadLcut: absent(
    'latency',
    VERSION,
    'does not exist: the version of a spec is read from its body; a missing or broken `x-since-time` changes nothing',
  ),
  HttpDataProviderError: event('latency', VERSION, {
    later: ['status_code', 'content-encoding'],
    lacks: ['content-encoding'],
    differs: 'no `content-encoding`: the body of an error is not looked at',
  }),
  DcsFetchSource: event('count', ['status_code', 'client_service'], {
    since: '4.3',
    differs: '`client_service` is always `cdn`',
  }),
  BackgroundDataProviderRequestInterval: event('latency', PAYLOAD, { since: '4.5' }),
  ConfigSpecStoreGotData: event('count', VERSION, {
    differs: 'is sent; SFP documents it and never sends it',
  }),
  UpdateConfigSpecStorePropagationDelayMs: event('latency', VERSION, {
    differs: 'once for each spec that is held, not for each spelling of Accept-Encoding; never below 0',
  }),
  ConfigSpecCurrentLcut: event('gauge', PAYLOAD, { since: '4.5' }),
  GrpcStreamingStreamedInitialized: event('count', PAYLOAD),
  GrpcStreamingStreamedResponse: event('count', PAYLOAD),
  GrpcStreamingHealthcheckSent: event('count', PAYLOAD),
  GrpcStreamingStreamUnauthorized: event('count', PAYLOAD),
  GrpcStreamingStreamDisconnected: event('count', PAYLOAD, {
    differs: 'when the client leaves; SFP notices up to 30 s later',
  }),
  GrpcEstimatedActiveStreams: event('gauge', []),
  StreamingChannelGotNewData: event('count', PAYLOAD),
  RedisCacheWriteSucceed: event('count', VERSION),
  RedisCacheWriteFailed: event('count', VERSION),
  RedisCacheWriteSkipped: event('count', VERSION, {
    differs: 'only where Redis has the version, or a newer one',
  }),
  RedisCacheTtlRefreshed: event('count', PAYLOAD, { since: '4.5' }),
  RedisCacheTtlRefreshMissed: event('count', PAYLOAD, { since: '4.5' }),
  RedisCacheTtlRefreshFailed: event('count', PAYLOAD, { since: '4.5' }),
  RedisCacheReadSucceed: event('count', VERSION, { differs: READ_FIRST }),
  RedisCacheReadMiss: event('count', PAYLOAD, { differs: READ_FIRST }),
  RedisCacheReadFailed: event('count', PAYLOAD, { differs: READ_FIRST }),
  RedisCacheDeleteSucceed: event('count', PAYLOAD),
  RedisCacheDeleteFailed: event('count', PAYLOAD),
  LogEventStoreDeduped: event('count', PAYLOAD, { differs: 'not sent where none was left out; SFP sends 0' }),
  LogEventStoreDedupeCacheCleared: event('count', [], { differs: 'the older half goes; in SFP all of it' }),
  DownloadIdListFileSizeBytes: absent(
    'gauge',
    ['sdk_key', 'path', 'file_id', 'accept-encoding'],
    'does not exist: `file_id` is one of any number of files, and would have other values here. What copies take in all is `sfp_id_list_copy_bytes`',
    '4.3',
  ),
  NginxCacheBytesUsed: absent('gauge', [], NO_NGINX),
  NginxCacheBytesLimit: absent('gauge', [], NO_NGINX),
  InMemoryCacheWriteSucceed: absent('count', [], NOT_SELECTABLE),
  InMemoryCacheWriteSkipped: absent('count', [], NOT_SELECTABLE),
  InMemoryCacheReadSucceed: absent('count', [], NOT_SELECTABLE),
};
