// Versions of payloads: which one is newer, and which lies so far in the future that it cannot be right.

/** Clocks may differ; a change that was made more than a day from now was not. */
export const VERSION_AHEAD_MS_MAX = 86_400_000;

/** The value as a version, or undefined where it cannot be one. */
export function readVersion(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Whether the version cannot be a real time: an origin once sent microseconds, or a placeholder. */
export function isInFuture(version: number, nowMs: number): boolean {
  return version > nowMs + VERSION_AHEAD_MS_MAX;
}

/**
 * Whether `version` takes the place of `other`. Every version in the future counts as older than any other, so that one
 * wrong answer is replaced by the next right one. Among themselves they keep their order: replicas have to agree.
 */
export function isNewer(version: number, other: number, nowMs: number): boolean {
  const isOtherInFuture = isInFuture(other, nowMs);
  if (isInFuture(version, nowMs) !== isOtherInFuture) return isOtherInFuture;
  return version > other;
}

/**
 * Whether a client that holds version `sinceTime` (0: none) is to be sent the whole spec.
 * A client without a spec must never be told "no updates": both Node SDKs take that for a successful start
 * with no configs at all. A spec whose own time is 0 is therefore always news, and a client that names a version in the
 * future is believed only where that is what is held.
 */
export function hasNewsFor(version: number, sinceTime: number, nowMs: number): boolean {
  if (version === 0 || sinceTime <= 0) return true;
  return isInFuture(sinceTime, nowMs) ? version !== sinceTime : isNewer(version, sinceTime, nowMs);
}
