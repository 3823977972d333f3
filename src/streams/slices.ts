// Writes a buffer that many streams share to one of them, slice by slice, so that we learn of every slice that its client takes.
import type { Writable } from 'node:stream';

/**
 * Handed over at a time: after each, we learn that the client takes something. Half of HTTP/2's default window, so that
 * a client which opens that once in a while counts as alive.
 */
const SLICE_BYTES = 32 * 1024;

/** Calls `took` after each slice that the client took, and `done` after the last; neither once the stream is closed. */
export function writeSlices(
  stream: Pick<Writable, 'write' | 'destroyed' | 'closed' | 'writableEnded'>,
  bytes: Buffer,
  took: () => void,
  done: () => void,
): void {
  let at = 0;
  const next = (error?: Error | null): void => {
    if (error !== null && error !== undefined) return;
    if (at > 0) took();
    if (at >= bytes.length) {
      done();
      return;
    }
    // Ended in the middle of a message: the client throws the part away.
    if (stream.destroyed || stream.closed || stream.writableEnded) return;
    const slice = bytes.subarray(at, at + SLICE_BYTES);
    at += slice.length;
    stream.write(slice, next);
  };
  next();
}
