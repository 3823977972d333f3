// What clients of every origin do with a request that breaks at once, and with an answer that nobody wants.
import { toFailure } from './upstream-failure.js';
import type { UpstreamResponse } from './upstream-pool.js';

/** Bytes of an error's body that are read so that its connection can be used again. */
const ERROR_BODY_BYTES_MAX = 16_384;

/**
 * Asks a second time, at once, where the connection broke before an answer began: mostly a kept connection that the
 * other side closed in the same moment, which says nothing about the origin.
 */
export async function onceMore(ask: () => Promise<UpstreamResponse>): Promise<UpstreamResponse> {
  try {
    return await ask();
  } catch (error) {
    if (toFailure(error).reason !== 'connection_lost') throw error;
    return await ask();
  }
}

/** Reads an unwanted body to its end, so that its connection can be used again. */
export async function discard(response: UpstreamResponse, signal: AbortSignal): Promise<void> {
  try {
    await response.body.dump({ limit: ERROR_BODY_BYTES_MAX, signal });
  } catch {
    // The status has decided already: a body that breaks off or stalls costs its connection and nothing else.
  }
}
