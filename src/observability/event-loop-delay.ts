// How late the event loop comes round: what every client of this process waits at the least.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface EventLoopDelay {
  /** Delays beyond the sampling interval since the last call, in milliseconds; then starts anew. */
  take(): { readonly meanMs: number; readonly p99Ms: number; readonly maxMs: number };
  stop(): void;
}

/** Half as many wake-ups of an idle process as with the default of 10. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

export function startEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    take: () => {
      const taken = {
        meanMs: beyondResolution(histogram.mean),
        p99Ms: beyondResolution(histogram.percentile(99)),
        maxMs: beyondResolution(histogram.max),
      };
      histogram.reset();
      return taken;
    },
    stop: () => {
      histogram.disable();
    },
  };
}

/** The histogram counts the timer's own interval too; an empty one gives NaN or nonsense, told as 0. */
function beyondResolution(delayNs: number): number {
  const delayMs = delayNs / NS_PER_MS - RESOLUTION_MS;
  return Number.isFinite(delayMs) && delayMs > 0 ? Math.round(delayMs * 100) / 100 : 0;
}
