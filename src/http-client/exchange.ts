// What clients of every origin do with a request that breaks at once, and with the body of an answer that has none they want.
import type { Clock } from '../domain/clock.js';
import { failed, type Failure } from '../domain/failure.js';
import { announcedBytes } from './answer-status.js';
import { toFailure } from './upstream-failure.js';
import type { UpstreamResponse } from './upstream-pool.js';

/** Bytes of an error's body that are read so that its connection can be used again. */
const ERROR_BODY_BYTES_MAX = 16_384;
/** From the answer's head on: its status has decided already, and a body that never ends must not change that. */
const ERROR_BODY_MS_MAX = 1_000;

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

/** Reads an unwanted body to its end, so that its connection can be used again; ends with its request, where that is given up. */
export async function discard(response: UpstreamResponse): Promise<void> {
  try {
    await response.body.dump({ limit: ERROR_BODY_BYTES_MAX });
  } catch {
    // The status has decided already: a body that breaks off or stalls costs its connection and nothing else.
  }
}

/** What fits into one packet. */
const SMALL_BODY_BYTES_MAX = 1_024;

/**
 * The whole body of an answer that announces a small one; undefined for other answers, with the body unread. Rejects where
 * the body breaks off. So little is read at once: the iterator of a stream costs far more than the bytes.
 */
export async function readSmall({ headers, body }: UpstreamResponse): Promise<Uint8Array | undefined> {
  const announced = announcedBytes(headers);
  return announced > 0 && announced <= SMALL_BODY_BYTES_MAX ? await body.bytes() : undefined;
}

/** The whole body of an answer that is small; a failure where it is larger. Rejects where the body breaks off. */
export async function readWhole(
  response: UpstreamResponse,
  bytesMax: number,
): Promise<Buffer | Failure<'body_too_large'>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response.body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bytesMax) return failed('body_too_large', `over ${bytesMax} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The beginning of the answer's body as text; the rest is read too, as far as that frees the connection cheaply. */
export async function readStart(clock: Clock, response: UpstreamResponse): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const cancel = clock.schedule(ERROR_BODY_MS_MAX, () => {
    response.body.destroy();
  });
  try {
    for await (const piece of response.body as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > ERROR_BODY_BYTES_MAX) break;
    }
  } catch {
    // A body that breaks off or stalls costs its connection and nothing else.
  } finally {
    cancel();
  }
  return Buffer.concat(pieces).toString();
}
