// The two bodies that a thread compares: how they are handed over, and how they are read there.
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Encoding, Payload } from '../../../domain/payload.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import { readSpecItems, type SpecItems } from './spec-items.js';

export interface DiffBody {
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
}

export interface DiffRequest {
  readonly before: DiffBody;
  readonly after: DiffBody;
  /** Of each, without compression. */
  readonly decodedBytesMax: number;
}

export function toRequest(before: Payload, after: Payload): DiffRequest {
  const decodedBytesMax = Math.max(before.identityBytes, after.identityBytes, 1);
  return { before: toBody(before), after: toBody(after), decodedBytesMax };
}

function toBody({ format, originForm: { encoding, bytes } }: Payload): DiffBody {
  return { format, encoding, bytes };
}

/** Blocks while it decompresses and parses: for threads. */
export function itemsOf({ format, encoding, bytes }: DiffBody, bytesMax: number): SpecItems {
  return readSpecItems(decodeAtOnce(bytes, encoding, bytesMax), format);
}

export function decodeAtOnce(bytes: Uint8Array, encoding: Encoding, maxOutputLength: number): Buffer {
  switch (encoding) {
    case 'identity':
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength });
    case 'br':
      return brotliDecompressSync(bytes, { maxOutputLength });
  }
}
