// Writes a buffer that many streams share to one of them, slice by slice, so that we learn of every slice that its client takes.
import type { Writable } from 'node:stream';
import { LoopTurns } from './loop-turns.js';

/** HTTP/2's default window, so that a client which opens that once in a while counts as alive. */
const SLICE_BYTES_MIN = 65_535;
/**
 * Of a client that opens a larger window at a time: a slice costs some 50 µs of CPU whatever its size, and 1.3 MB for 1,000
 * streams took two thirds of the time that they take in the smallest slices.
 */
const SLICE_BYTES_MAX = 256 * 1024;

/** Of all streams of the process: they share its event loop. */
const turns = new LoopTurns();

/**
 * Calls `took` after each slice that the client took, and `done` after the last; neither once the stream is closed.
 * `windowBytes`: how much the client takes without opening its window again; 0 where that is not known.
 */
export function writeSlices(
  stream: Pick<Writable, 'write' | 'destroyed' | 'closed' | 'writableEnded'>,
  bytes: Buffer,
  windowBytes: number,
  took: () => void,
  done: () => void,
): void {
  const sliceBytes = Math.min(Math.max(windowBytes, SLICE_BYTES_MIN), SLICE_BYTES_MAX);
  let at = 0;
  const write = (): void => {
    // Ended in the middle of a message: the client throws the part away.
    if (stream.destroyed || stream.closed || stream.writableEnded) return;
    const slice = bytes.subarray(at, at + sliceBytes);
    at += slice.length;
    stream.write(slice, next);
  };
  const next = (error?: Error | null): void => {
    if (error !== null && error !== undefined) return;
    if (at > 0) took();
    if (at >= bytes.length) done();
    else turns.take(Math.min(sliceBytes, bytes.length - at), write);
  };
  next();
}
