// Decompression of a body as it arrives, and what zlib's errors say about it.
import { createBrotliDecompress, createGunzip, type BrotliDecompress, type Gunzip } from 'node:zlib';
import { PIECE_BYTES } from './body-encoding.js';
import { BodyFault } from '../domain/body-reader.js';

/** Inflates on zlib's own threads. */
export function createDecoder(encoding: 'gzip' | 'br'): Gunzip | BrotliDecompress {
  const options = { chunkSize: PIECE_BYTES };
  return encoding === 'gzip' ? createGunzip(options) : createBrotliDecompress(options);
}

/** zlib stops where its stream ends; decoders of SDKs are less forgiving. */
export function trailingBytes(): BodyFault {
  return new BodyFault('decoding_failed', 'the compressed body goes on after its end');
}

/** zlib's errors become faults of the body; any other error is the source's and passes. */
export function asBodyFault(error: unknown): unknown {
  if (!isZlibError(error)) return error;
  if (error.code === 'Z_BUF_ERROR') return new BodyFault('truncated', 'the compressed body ends too early');
  return new BodyFault('decoding_failed', `the compressed body cannot be decoded (${error.code})`);
}

/** Brotli's error codes begin with `ERR_`, some with an underscore more: Node adds the prefix to the library's names. */
export function isZlibError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_PADDING)/.test(error.code)
  );
}
