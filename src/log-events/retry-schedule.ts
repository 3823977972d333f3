// When a batch that the origin did not take is sent again. Pure: the jitter comes from the batch's own id.
import { createHash } from 'node:crypto';

const FIRST_WAIT_MS = 100;
const WAIT_MS_MAX = 30_000;
/** The wait is this part of what it could be, or more: replicas that failed together come back apart. */
const JITTER_FROM = 0.5;

/**
 * How long to wait after the given number of failures in a row (1 or more): doubling, between half and the whole of it,
 * and never shorter than the origin asked for.
 */
export function retryWaitMs(batchId: string, failures: number, retryAfterMs = 0): number {
  // 2^31 times the first wait is more than the cap; a larger exponent would only lose precision.
  const wholeMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 31), WAIT_MS_MAX);
  const hash = createHash('sha256').update(`${batchId}\n${failures}`).digest();
  const share = hash.readUInt32BE(0) / 2 ** 32;
  return Math.max(wholeMs * (JITTER_FROM + (1 - JITTER_FROM) * share), retryAfterMs);
}
