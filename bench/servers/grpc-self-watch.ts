// A benchmark server's view of itself: peak memory, also while its event loop is blocked, and how late that loop is.
import { Worker } from 'node:worker_threads';
import { startEventLoopDelay } from '../../src/observability/event-loop-delay.js';

const SAMPLE_EVERY_MS = 5;

export interface SelfWatch {
  /** The most since the last call, and the loop's worst delay. */
  take(): { readonly peakRssBytes: number; readonly worstDelayMs: number };
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
  const delay = startEventLoopDelay();
  return {
    take: () => ({
      peakRssBytes: Atomics.exchange(peakKb, 0, 0) * 1024,
      worstDelayMs: delay.take().maxMs,
    }),
  };
}
