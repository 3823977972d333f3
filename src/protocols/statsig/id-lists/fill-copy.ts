// Brings the copy of a file up to what the origin has: what comes is compared with what is there, and appended.
import type { FilePart, IdListFileOrigin } from '../origin/id-list-file-origin.js';
import type { Copy } from './copy.js';
import { CopyFault } from './copy-fault.js';
import type { CopyTable } from './copy-table.js';
import {
  failedReading,
  fewerThanPromised,
  type FailedReading,
  type FailedReadingReason,
} from './file-reading.js';
import { HeldBytes } from './held-bytes.js';
import type { IdListFile } from './id-list-file.js';

export type Filled =
  /** The copy has all that the origin has. */
  | { readonly kind: 'filled' }
  /** There is not enough room for all of it, in memory or on the disk. What fitted stays. */
  | { readonly kind: 'no-room' }
  /** What came before it failed stays, unless it cannot be trusted. */
  | FailedReading;

/** After these, nothing tells which of the copy's bytes are right. */
const DISTRUSTED: readonly FailedReadingReason[] = [
  'bad_http',
  'content_differs',
  'copy_not_read',
  'decoding_failed',
  'longer_than_said',
];

/** Never rejects. One at a time for one file. */
export async function fillCopy(
  origin: IdListFileOrigin,
  table: CopyTable,
  file: IdListFile,
  bytesMin: number,
): Promise<Filled> {
  let copy = table.peek(file.name);
  copy?.use();
  const fromByte = copy?.bytes.length ?? 0;
  const take = async (part: FilePart, bytes: AsyncIterable<Uint8Array>): Promise<Filled> => {
    // All others would have to leave for a part of it.
    if ((part.endByte ?? 0) > table.bytesMax) return NO_ROOM;
    try {
      copy ??= await table.create(file.name);
      return await takeIn(table, copy, part, bytes);
    } catch (error) {
      if (!(error instanceof CopyFault)) throw error;
      return error.reason === 'copy_not_kept' ? NO_ROOM : failedReading(error.reason, error.message);
    }
  };
  let taken: Promise<unknown> = Promise.resolve();
  const answer = await origin.fetch(file.url, fromByte, (part, bytes) => {
    const taking = take(part, bytes);
    taken = taking.catch(() => undefined);
    return taking;
  });
  // The answer may be that the time is over, while the last piece is still being written.
  await taken;
  const filled = answer.kind === 'nothing-more' ? judgeEnd(answer.totalBytes, fromByte) : answer;
  const heldBytes = copy === undefined ? 0 : await finish(table, copy, filled);
  if (filled.kind !== 'filled' || heldBytes >= bytesMin) return filled;
  return fewerThanPromised(heldBytes, bytesMin);
}

/** Gives how many bytes the copy has. */
async function finish(table: CopyTable, copy: Copy, filled: Filled): Promise<number> {
  copy.letGo();
  const heldBytes = copy.bytes.length;
  const isDistrusted = filled.kind === 'failed' && DISTRUSTED.includes(filled.reason);
  if (isDistrusted || (filled.kind !== 'filled' && heldBytes === 0)) await table.drop(copy);
  return heldBytes;
}

const NO_ROOM: Filled = { kind: 'no-room' };
const DIFFERS: Filled = failedReading('content_differs', 'the file does not continue its copy');

/**
 * A file only grows, so one that is shorter than its copy comes from a host that lags behind the others: the copy is the
 * better of the two.
 */
function judgeEnd(totalBytes: number | undefined, heldBytes: number): Filled {
  const isBehind = totalBytes !== undefined && totalBytes < heldBytes;
  return isBehind ? fewerThanPromised(totalBytes, heldBytes) : { kind: 'filled' };
}

/** `copy` may have bytes that come again: in them it has to be the same. */
async function takeIn(
  table: CopyTable,
  copy: Copy,
  { startByte }: FilePart,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Filled> {
  const heldBytes = copy.bytes.length;
  const held = new HeldBytes(copy.bytes.read(startByte, heldBytes));
  let at = startByte;
  try {
    for await (const piece of bytes) {
      const again = Math.min(piece.length, Math.max(0, heldBytes - at));
      if (!(await held.match(piece.subarray(0, again)))) return DIFFERS;
      at += piece.length;
      if (again < piece.length && !(await table.append(copy, piece.subarray(again)))) return NO_ROOM;
    }
  } finally {
    await held.close();
  }
  return judgeEnd(at, heldBytes);
}
