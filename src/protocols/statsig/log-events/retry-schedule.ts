// When a batch that the origin did not take is sent again. Pure: the jitter comes from the batch's own id.
import { createHash } from 'node:crypto';

/** After a failure. */
const FIRST_RETRY_MS = 100;
const RETRY_MS_MAX = 30_000;
/** After a refusal: keys get rotated, and mistakes get repaired, in minutes or hours. */
const FIRST_PROBE_MS = 30_000;
const PROBE_MS_MAX = 60 * 60_000;
/** The wait is this part of what it could be, or more: replicas that failed together come back apart. */
const JITTER_FROM = 0.5;

/** What became of a try: the batch is done with, for good or ill, or it is tried again. */
export type Progress =
  { readonly isDone: true } | { readonly isDone: false; readonly waitMs: number; readonly mayTry: boolean };

export const DONE: Progress = { isDone: true };

/** How long to wait after so many failures in a row (1 or more), and never shorter than the origin asked for. */
export function retryWaitMs(batchId: string, failures: number, retryAfterMs = 0): number {
  return Math.max(backOffMs(batchId, failures, FIRST_RETRY_MS, RETRY_MS_MAX), retryAfterMs);
}

/** How long to wait after so many refusals in a row (1 or more). */
export function probeWaitMs(batchId: string, refusals: number): number {
  return backOffMs(batchId, refusals, FIRST_PROBE_MS, PROBE_MS_MAX);
}

/** Doubling, between half and the whole of it. */
function backOffMs(batchId: string, times: number, firstMs: number, maxMs: number): number {
  // 2^31 times the first wait is more than any cap; a larger exponent would only lose precision.
  const wholeMs = Math.min(firstMs * 2 ** Math.min(times - 1, 31), maxMs);
  const hash = createHash('sha256').update(`${batchId}\n${times}`).digest();
  const share = hash.readUInt32BE(0) / 2 ** 32;
  return wholeMs * (JITTER_FROM + (1 - JITTER_FROM) * share);
}
