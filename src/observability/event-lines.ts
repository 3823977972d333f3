// Events as log lines, for --debug-logging.
import { maskSdkKey } from '../domain/sdk-key.js';
import type { Logger } from './logger.js';
import type { EventSink } from './proxy-events.js';

export function createEventLines(log: Logger): EventSink {
  return {
    record: (name, fields) => {
      const { path, sdkKey, latencyMs, status, lcut, reason, streams, events, forgotten, value } = fields;
      const line = { path, latencyMs, status, lcut, reason, streams, events, forgotten, value };
      const masked = sdkKey === undefined ? {} : { sdkKey: maskSdkKey(sdkKey) };
      log.debug({ event: name, ...masked, ...line }, name);
    },
  };
}
