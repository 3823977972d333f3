// One batch as bytes of a file: a head that says how long it is, and its sealed content.
import { crc32 } from 'node:zlib';
import type { Batch } from '../batch.js';

/** A mark, the length of what follows, and a checksum of both. */
export const HEAD_BYTES = 12;
export const HEAD_MARK = Buffer.from('LEV1');
const LENGTH_BYTES = 4;

export interface StoredBatch extends Batch {
  /** Its place in the order of all batches ever kept here. */
  readonly sequence: number;
}

export function makeHead(contentBytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  HEAD_MARK.copy(head);
  head.writeUInt32BE(contentBytes, 4);
  head.writeUInt32BE(crc32(head.subarray(0, 8)), 8);
  return head;
}

/** How many bytes follow the head; undefined where it is not one. */
export function readHead(head: Buffer): number | undefined {
  if (head.length < HEAD_BYTES || !head.subarray(0, HEAD_MARK.length).equals(HEAD_MARK)) return undefined;
  return head.readUInt32BE(8) === crc32(head.subarray(0, 8)) ? head.readUInt32BE(4) : undefined;
}

/** What is sealed: the length of a JSON object with all facts but the body, that object, and the body as it came. */
export function encodeBatch({ body, ...facts }: Batch): readonly Uint8Array[] {
  const json = Buffer.from(JSON.stringify(facts));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(json.length);
  return [Buffer.concat([length, json]), body];
}

export function decodeBatch(content: Buffer): StoredBatch {
  const bodyFrom = LENGTH_BYTES + content.readUInt32BE(0);
  const facts = JSON.parse(content.toString('utf8', LENGTH_BYTES, bodyFrom)) as Omit<StoredBatch, 'body'>;
  return { ...facts, body: content.subarray(bodyFrom) };
}
