// Reads back what another process left in a segment: whole records up to a torn end, without those that are done.
import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ifThere } from '../../../../files/file-system.js';
import { BatchDamage } from '../batch.js';
import { HEAD_BYTES, HEAD_MARK, readHead, type StoredBatch } from './record.js';
import { DONE_ENTRY_BYTES, DONE_SUFFIX, type Place, type Segment } from './segment.js';

/** Searched at a time for the next record after a damaged one. */
const SEARCHED_BYTES = 1024 * 1024;

export interface Recovered {
  readonly batches: readonly { readonly place: Place; readonly batch: StoredBatch }[];
  /** Places with records that are not what was written; those after them are there. */
  readonly damagedRecords: number;
  /** After the last whole record: an interrupted write. */
  readonly tornBytes: number;
}

/** Moves the segment's end to the end of its last whole record, and counts what is not done as live. */
export async function recoverSegment(segment: Segment, fileBytes: number): Promise<Recovered> {
  const done = await readDone(segment);
  const batches: { readonly place: Place; readonly batch: StoredBatch }[] = [];
  let damagedRecords = 0;
  for (;;) {
    const place = await findRecord(segment, fileBytes);
    if (place === undefined) break;
    if (place.offset > segment.bytes) damagedRecords += 1;
    segment.bytes = place.offset + place.bytes;
    if (done.has(place.offset)) continue;
    try {
      batches.push({ place, batch: await segment.read(place) });
      segment.enliven(place);
    } catch (error) {
      // A disk that cannot be read now may be read later: the whole folder is tried again.
      if (!(error instanceof BatchDamage)) throw error;
      // Counted; the caller reports it. The file is kept for inspection when the rest of it is done.
      damagedRecords += 1;
    }
  }
  segment.isDamaged = damagedRecords > 0;
  return { batches, damagedRecords, tornBytes: fileBytes - segment.bytes };
}

/** The first record from the segment's end on; it comes later where the header of an earlier record is damaged. */
async function findRecord(segment: Segment, fileBytes: number): Promise<Place | undefined> {
  const here = await recordAt(segment, segment.bytes, fileBytes);
  if (here !== undefined) return here;
  const bytes = Buffer.alloc(Math.min(SEARCHED_BYTES, Math.max(0, fileBytes - segment.bytes)));
  // One piece begins where a mark could begin that the one before ended in.
  const stepBytes = SEARCHED_BYTES - HEAD_MARK.length + 1;
  for (let from = segment.bytes + 1; from + HEAD_BYTES <= fileBytes; from += stepBytes) {
    const searched = bytes.subarray(0, await segment.readBytes(bytes, from));
    for (let at = searched.indexOf(HEAD_MARK); at >= 0; at = searched.indexOf(HEAD_MARK, at + 1)) {
      const place = await recordAt(segment, from + at, fileBytes);
      if (place !== undefined) return place;
    }
  }
  return undefined;
}

/** Undefined where no whole record begins there. */
async function recordAt(segment: Segment, offset: number, fileBytes: number): Promise<Place | undefined> {
  const head = Buffer.alloc(HEAD_BYTES);
  if ((await segment.readBytes(head, offset)) < HEAD_BYTES) return undefined;
  const contentBytes = readHead(head);
  if (contentBytes === undefined || offset + HEAD_BYTES + contentBytes > fileBytes) return undefined;
  return { offset, bytes: HEAD_BYTES + contentBytes };
}

/** Where the records that are done begin. Half an entry, from a write that was broken off, is overwritten by the next. */
async function readDone(segment: Segment): Promise<ReadonlySet<number>> {
  const entries = await ifThere(readFile(segment.path + DONE_SUFFIX));
  const done = new Set<number>();
  if (entries === undefined) return done;
  segment.doneBytes = entries.length - (entries.length % DONE_ENTRY_BYTES);
  for (let at = 0; at < segment.doneBytes; at += DONE_ENTRY_BYTES) {
    const isWhole = entries.readUInt32BE(at + 4) === crc32(entries.subarray(at, at + 4));
    if (isWhole) done.add(entries.readUInt32BE(at));
  }
  return done;
}
