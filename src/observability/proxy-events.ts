// The events that SFP names, for --debug-logging: one line each, with its latency. Unwatched, they cost nothing.
import type { PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Logger } from './logger.js';

/** Names as in SFP's docs/monitoring.md: operators' dashboards and searches know them. */
export type ProxyEventName =
  | 'HttpServerRequestSuccess'
  | 'HttpServerRequestFailed'
  | 'HttpDataProviderGotData'
  | 'HttpDataProviderNoData'
  | 'HttpDataProviderError'
  | 'ConfigSpecStoreGotData'
  | 'ConfigSpecCurrentLcut'
  | 'UpdateConfigSpecStorePropagationDelayMs'
  | 'GrpcStreamingStreamedInitialized'
  | 'GrpcStreamingStreamedResponse'
  | 'GrpcStreamingStreamDisconnected'
  | 'StreamingChannelGotNewData'
  | 'RedisCacheWriteSucceed'
  | 'RedisCacheWriteFailed'
  | 'RedisCacheWriteSkipped'
  | 'RedisCacheReadSucceed'
  | 'RedisCacheReadMiss'
  | 'RedisCacheReadFailed'
  | 'RedisCacheDeleteSucceed'
  | 'RedisCacheDeleteFailed'
  | 'LogEventStoreDeduped'
  | 'LogEventStoreDedupeCacheCleared';

export interface ProxyEventFields {
  /** Without a key in it: `/v1/download_config_specs`. */
  readonly path: string;
  /** Masked. */
  readonly sdkKey?: string;
  readonly latencyMs?: number;
  readonly status?: number;
  /** The version the event speaks of. */
  readonly lcut?: number;
  readonly reason?: string;
  /** Streams open in this process. */
  readonly streams?: number;
  /** Log events left out, or remembered no more. */
  readonly events?: number;
}

export interface ProxyEvents {
  /** False where nobody listens: what only feeds events need not be done then. */
  readonly isWatched: boolean;
  record(name: ProxyEventName, fields: ProxyEventFields): void;
}

/** What every event of a payload says. */
export function eventFields({ kind, sdkKey }: PayloadKey): {
  readonly path: string;
  readonly sdkKey: string;
} {
  return { path: kind.path, sdkKey: maskSdkKey(sdkKey) };
}

export const noProxyEvents: ProxyEvents = { isWatched: false, record: () => undefined };

export function createLoggedProxyEvents(logger: Logger): ProxyEvents {
  return {
    isWatched: true,
    record: (name, fields) => {
      logger.debug({ event: name, ...fields }, name);
    },
  };
}
