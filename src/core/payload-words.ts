// How payloads appear in log lines and events, and what is reported about a new version.
import type { Clock } from '../domain/clock.js';
import type { PayloadKey } from '../domain/payload-key.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { eventFields, type ProxyEvents } from '../observability/proxy-events.js';

/** For a log line. */
export function logFields(key: PayloadKey): Record<string, string> {
  return { sdkKey: maskSdkKey(key.sdkKey), api: key.kind.name, format: key.format };
}

/** SFP's events for a version that is held from now on. */
export function recordVersion(
  events: ProxyEvents,
  clock: Clock,
  key: PayloadKey,
  { version, latencyMs }: { readonly version: number; readonly latencyMs?: number },
): void {
  const fields = { ...eventFields(key), lcut: version };
  events.record('ConfigSpecStoreGotData', latencyMs === undefined ? fields : { ...fields, latencyMs });
  // Only a version that the body states is a time of its last change.
  if (key.kind.versions !== 'stated') return;
  const delayMs = clock.nowMs() - version;
  events.record('UpdateConfigSpecStorePropagationDelayMs', { ...fields, latencyMs: delayMs });
}
