// One log line per answer of the public HTTP port, for --access-log.
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Logger } from './logger.js';
import type { EventSink } from './proxy-events.js';

export function createAccessLines(log: Logger): EventSink {
  return {
    record: (name, fields) => {
      if (name !== 'HttpServerRequestSuccess' && name !== 'HttpServerRequestFailed') return;
      const { method, path = 'none', sdkKey, status, bytes, latencyMs = 0, sdkType, sdkVersion } = fields;
      const key = sdkKey === undefined ? {} : { sdkKey: maskSdkKey(sdkKey) };
      const ms = Math.round(latencyMs * 100) / 100;
      log.info({ method, route: path, ...key, status, bytes, ms, sdkType, sdkVersion }, 'access');
    },
  };
}
