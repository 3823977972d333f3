// A benchmark server's view of itself: peak memory, also while its event loop is blocked, and how late that loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';

const SAMPLE_EVERY_MS = 5;
const DELAY_RESOLUTION_MS = 20;
const DELAY_PERCENTILE = 99;
const NS_PER_MS = 1e6;

export interface SelfWatch {
  /** The most since the last call, and the loop's worst delay. */
  take(): { readonly peakRssBytes: number; readonly worstDelayMs: number; readonly delayP99Ms: number };
}

/** Sampled by a thread of its own, as a timer of the watched one would sleep through what is to be seen. */
export function watchSelf(): SelfWatch {
  const peakKb = new Int32Array(new SharedArrayBuffer(4));
  const sample = `const { workerData: peakKb } = require('node:worker_threads');
    setInterval(() => {
      const kb = Math.ceil(process.memoryUsage.rss() / 1024);
      if (kb > Atomics.load(peakKb, 0)) Atomics.store(peakKb, 0, kb);
    }, ${SAMPLE_EVERY_MS});`;
  new Worker(sample, { eval: true, workerData: peakKb, execArgv: [] });
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  return {
    take: () => {
      const worstDelayMs = late(delay.max);
      const delayP99Ms = late(delay.percentile(DELAY_PERCENTILE));
      delay.reset();
      return {
        peakRssBytes: Atomics.exchange(peakKb, 0, 0) * 1024,
        worstDelayMs,
        delayP99Ms,
      };
    },
  };
}

function late(intervalNs: number): number {
  const lateMs = Math.max(0, intervalNs / NS_PER_MS - DELAY_RESOLUTION_MS);
  return Math.round(lateMs * 100) / 100;
}
