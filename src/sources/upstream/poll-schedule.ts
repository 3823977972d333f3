// When a payload is asked for next: once an interval at its own phase, later after failures. Pure.

/** The wait after failures grows to this many intervals ... */
const BACKOFF_INTERVALS_MAX = 10;
/** ... and no further than this, unless the interval itself is longer. */
const BACKOFF_MS_MAX = 60_000;

/** The first instant after `nowMs` at which the phase comes round. */
export function nextPhaseMs(nowMs: number, phaseMs: number, intervalMs: number): number {
  return nowMs + intervalMs - positiveModulo(nowMs - phaseMs, intervalMs);
}

/** How long to wait after `failures` failures in a row: the interval, doubling from the second failure on. */
export function waitMs(failures: number, intervalMs: number): number {
  if (failures <= 1) return intervalMs;
  // 2^31 intervals are more than any cap; a larger exponent would only lose precision.
  const doubled = intervalMs * 2 ** Math.min(failures - 1, 31);
  return Math.max(intervalMs, Math.min(doubled, intervalMs * BACKOFF_INTERVALS_MAX, BACKOFF_MS_MAX));
}

function positiveModulo(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}
