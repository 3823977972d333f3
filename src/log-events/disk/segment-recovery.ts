// Reads back what another process left in a segment: whole records up to a torn end, without those that are done.
import { readFile, truncate } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ifThere } from '../../sources/disk/file-system.js';
import { BatchDamage } from '../batch.js';
import { HEAD_BYTES, readHead, type StoredBatch } from './sealed-record.js';
import { DONE_ENTRY_BYTES, DONE_SUFFIX, type Place, type Segment } from './segment.js';

export interface Recovered {
  readonly batches: readonly { readonly place: Place; readonly batch: StoredBatch }[];
  /** Records that are not what was written; those after them are there. */
  readonly damagedRecords: number;
  /** Behind the last whole record: a write that was broken off. */
  readonly tornBytes: number;
}

/** Moves the segment's end to the end of its last whole record, and counts what is not done as live. */
export async function recoverSegment(segment: Segment, fileBytes: number): Promise<Recovered> {
  const done = await readDone(segment.path + DONE_SUFFIX);
  const batches: { readonly place: Place; readonly batch: StoredBatch }[] = [];
  let damagedRecords = 0;
  const head = Buffer.alloc(HEAD_BYTES);
  for (;;) {
    const bytesRead = await segment.readBytes(head, segment.bytes);
    const contentBytes = bytesRead < HEAD_BYTES ? undefined : readHead(head);
    if (contentBytes === undefined || segment.bytes + HEAD_BYTES + contentBytes > fileBytes) break;
    const place = { index: segment.records, offset: segment.bytes, bytes: HEAD_BYTES + contentBytes };
    segment.records += 1;
    segment.bytes += place.bytes;
    if (done.has(place.index)) continue;
    try {
      batches.push({ place, batch: await segment.read(place) });
      segment.enliven(place);
    } catch (error) {
      // A disk that cannot be read now may be read later: the whole folder is tried again.
      if (!(error instanceof BatchDamage)) throw error;
      // Counted, and told by the caller; the file is kept for people when the rest of it is done.
      damagedRecords += 1;
    }
  }
  segment.isDamaged = damagedRecords > 0;
  return { batches, damagedRecords, tornBytes: fileBytes - segment.bytes };
}

async function readDone(path: string): Promise<ReadonlySet<number>> {
  const entries = await ifThere(readFile(path));
  if (entries === undefined) return new Set();
  // Half an entry, from a write that was broken off: what is appended later has to stand where entries stand.
  const wholeBytes = entries.length - (entries.length % DONE_ENTRY_BYTES);
  if (wholeBytes < entries.length) await truncate(path, wholeBytes);
  const done = new Set<number>();
  for (let at = 0; at + DONE_ENTRY_BYTES <= entries.length; at += DONE_ENTRY_BYTES) {
    const isWhole = entries.readUInt32BE(at + 4) === crc32(entries.subarray(at, at + 4));
    if (isWhole) done.add(entries.readUInt32BE(at));
  }
  return done;
}
