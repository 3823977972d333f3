// When a payload is asked for next: once an interval at its own phase, later after failures. Pure.

/** The wait after failures grows to this many intervals ... */
const BACKOFF_INTERVALS_MAX = 10;
/** ... and no further than this, unless the interval itself is longer. */
const BACKOFF_MS_MAX = 60_000;

/** The first instant after `nowMs` at which the phase comes round. */
export function nextPhaseMs(nowMs: number, phaseMs: number, intervalMs: number): number {
  return nowMs + intervalMs - positiveModulo(nowMs - phaseMs, intervalMs);
}

/** What nobody holds yet cannot be served: its first tries come faster, after this long, doubling. */
const FIRST_TRY_AGAIN_MS = 1_000;

/**
 * How long to wait after `failures` failures in a row: the interval, doubling from the second failure on; what is not held
 * yet is asked for again after 1 s, 2 s, 4 s and so on, until that is no sooner.
 */
export function waitMs(failures: number, intervalMs: number, isHeld = true): number {
  const backedOffMs = backOffMs(failures, intervalMs);
  if (isHeld || failures === 0) return backedOffMs;
  return Math.min(backedOffMs, FIRST_TRY_AGAIN_MS * 2 ** Math.min(failures - 1, 31));
}

function backOffMs(failures: number, intervalMs: number): number {
  if (failures <= 1) return intervalMs;
  // 2^31 intervals are more than any cap; a larger exponent would only lose precision.
  const doubled = intervalMs * 2 ** Math.min(failures - 1, 31);
  return Math.max(intervalMs, Math.min(doubled, intervalMs * BACKOFF_INTERVALS_MAX, BACKOFF_MS_MAX));
}

function positiveModulo(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}
