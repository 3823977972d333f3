// One batch as bytes of a file: a head that says how long it is, and its content sealed, so that damage shows.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { BatchDamage, type Batch } from '../batch.js';

/** A mark, the length of what follows, and a checksum of both. */
export const HEAD_BYTES = 12;
export const HEAD_MARK = Buffer.from('LEV1');
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Sealed in about half a millisecond: between two of them the event loop gets its turn. */
const PIECE_BYTES = 1024 * 1024;

export interface StoredBatch extends Batch {
  /** Its place in the order of all batches ever kept here. */
  readonly sequence: number;
}

/** The record's pieces, in their order. */
export async function sealRecord(key: Uint8Array, batch: StoredBatch): Promise<Buffer[]> {
  const { body, ...rest } = batch;
  const facts = Buffer.from(JSON.stringify(rest));
  const factsHead = Buffer.alloc(4);
  factsHead.writeUInt32BE(facts.length);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const sealed = [cipher.update(Buffer.concat([factsHead, facts]))];
  for await (const piece of inPieces(body)) sealed.push(cipher.update(piece));
  sealed.push(cipher.final(), cipher.getAuthTag());
  const bytes = sealed.reduce((sum, piece) => sum + piece.length, NONCE_BYTES);
  return [makeHead(bytes), nonce, ...sealed];
}

/** How many bytes follow the head; undefined where it is none. */
export function readHead(head: Buffer): number | undefined {
  if (head.length < HEAD_BYTES || !head.subarray(0, HEAD_MARK.length).equals(HEAD_MARK)) return undefined;
  return head.readUInt32BE(8) === crc32(head.subarray(0, 8)) ? head.readUInt32BE(4) : undefined;
}

/** `content`: what follows the head. Throws `BatchDamage` where it is not what was sealed. */
export async function openRecord(key: Uint8Array, content: Buffer): Promise<StoredBatch> {
  const tagFrom = content.length - TAG_BYTES;
  if (tagFrom < NONCE_BYTES) throw new BatchDamage('the record is too short for a seal');
  const decipher = createDecipheriv(CIPHER, key, content.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(content.subarray(tagFrom));
  const plain = Buffer.allocUnsafeSlow(tagFrom - NONCE_BYTES);
  let at = 0;
  for await (const piece of inPieces(content.subarray(NONCE_BYTES, tagFrom))) {
    at += decipher.update(piece).copy(plain, at);
  }
  try {
    decipher.final();
  } catch (error) {
    throw new BatchDamage('the seal is broken', { cause: error });
  }
  const bodyFrom = 4 + plain.readUInt32BE(0);
  const facts = JSON.parse(plain.toString('utf8', 4, bodyFrom)) as Omit<StoredBatch, 'body'>;
  return { ...facts, body: plain.subarray(bodyFrom) };
}

function makeHead(contentBytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  HEAD_MARK.copy(head);
  head.writeUInt32BE(contentBytes, 4);
  head.writeUInt32BE(crc32(head.subarray(0, 8)), 8);
  return head;
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (at > 0) await nextTurn();
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}
