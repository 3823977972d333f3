// Writes a buffer that many streams share to one of them, slice by slice, so that we learn of every slice that its client takes.
import type { Writable } from 'node:stream';
import { LoopTurns } from './loop-turns.js';

/**
 * Handed over at a time: after each, we learn that the client takes something. HTTP/2's default window, so that a client
 * which opens that once in a while counts as alive. Half of it took half as much CPU again for 1.3 MB.
 */
const SLICE_BYTES = 65_535;

/** Of all streams of the process: they share its event loop. */
const turns = new LoopTurns();

/** Calls `took` after each slice that the client took, and `done` after the last; neither once the stream is closed. */
export function writeSlices(
  stream: Pick<Writable, 'write' | 'destroyed' | 'closed' | 'writableEnded'>,
  bytes: Buffer,
  took: () => void,
  done: () => void,
): void {
  let at = 0;
  const write = (): void => {
    // Ended in the middle of a message: the client throws the part away.
    if (stream.destroyed || stream.closed || stream.writableEnded) return;
    const slice = bytes.subarray(at, at + SLICE_BYTES);
    at += slice.length;
    stream.write(slice, next);
  };
  const next = (error?: Error | null): void => {
    if (error !== null && error !== undefined) return;
    if (at > 0) took();
    if (at >= bytes.length) done();
    else turns.take(Math.min(SLICE_BYTES, bytes.length - at), write);
  };
  next();
}
