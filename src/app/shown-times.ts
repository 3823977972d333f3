// Durations and times as operators are shown them.

/** To a tenth. */
export function toSeconds(durationMs: number): number {
  return Math.round(durationMs / 100) / 10;
}

/** Null for what is no time that can be written. */
export function toIso(timeMs: number): string | null {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
