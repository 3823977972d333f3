// Which file to empty where files are much larger than what they are kept for.
import type { Segment } from './segment.js';

/** What is live is moved together when files are this much larger than what they are kept for, and ... */
const FILE_BYTES_PER_LIVE_MAX = 2;
/** ... by at least so many whole files. */
const SURPLUS_SEGMENTS = 4;

/** Where a refused key keeps a few batches in each of many files: the file in which the most is done. */
export function findSurplus(
  segments: readonly Segment[],
  current: Segment | undefined,
  segmentBytes: number,
): Segment | undefined {
  const fileBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const liveBytes = segments.reduce((sum, segment) => sum + segment.liveBytes, 0);
  if (fileBytes <= FILE_BYTES_PER_LIVE_MAX * liveBytes + SURPLUS_SEGMENTS * segmentBytes) return undefined;
  const closed = segments.filter((segment) => segment !== current);
  const doneBytes = (segment: Segment): number => segment.bytes - segment.liveBytes;
  return closed.sort((one, other) => doneBytes(other) - doneBytes(one))[0];
}
