// The Retry-After header (RFC 9110, 10.2.3): seconds, or a date.

/** An origin that asks for more is asked again after this long: a slip there must not leave a cluster stale for days. */
export const RETRY_AFTER_MS_MAX = 10 * 60_000;

/** How long to wait, from 0 to RETRY_AFTER_MS_MAX; undefined where the header is absent or makes no sense. */
export function parseRetryAfterMs(header: string, nowMs: number): number | undefined {
  const text = header.trim();
  if (text === '') return undefined;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}
