// How payloads appear in log lines.
import type { PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';

/** For a log line. */
export function logFields(key: PayloadKey): Record<string, string> {
  return { sdkKey: maskSdkKey(key.sdkKey), api: key.kind.name, format: key.format };
}
