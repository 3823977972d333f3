// Which file to empty where files are much larger than what they are kept for.
import type { Segment } from './segment.js';

/** What is live is moved together when files are this much larger than what they are kept for, and ... */
const FILE_BYTES_PER_LIVE_MAX = 2;
/** ... by at least so many whole files. */
const SURPLUS_SEGMENTS = 4;
/** Each is held open. A start makes one, and so does every write that failed, however little comes into it. */
const SEGMENTS_MAX = 256;

/**
 * Where a refused key keeps a few batches in each of many files, the file in which the most is done; where there are too
 * many files, the one with the least in it.
 */
export function findSurplus(
  segments: readonly Segment[],
  current: Segment | undefined,
  segmentBytes: number,
): Segment | undefined {
  const fileBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const liveBytes = segments.reduce((sum, segment) => sum + segment.liveBytes, 0);
  const closed = segments.filter((segment) => segment !== current);
  if (fileBytes > FILE_BYTES_PER_LIVE_MAX * liveBytes + SURPLUS_SEGMENTS * segmentBytes) {
    const doneBytes = (segment: Segment): number => segment.bytes - segment.liveBytes;
    return closed.sort((one, other) => doneBytes(other) - doneBytes(one))[0];
  }
  if (segments.length <= SEGMENTS_MAX) return undefined;
  // Larger ones would not become fewer by being moved.
  const small = closed.filter((segment) => 2 * segment.liveBytes < segmentBytes);
  return small.sort((one, other) => one.liveBytes - other.liveBytes)[0];
}
