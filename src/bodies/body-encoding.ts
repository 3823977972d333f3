// How bodies are compressed here: for clients, and for what reads Redis.
import { constants, type BrotliOptions } from 'node:zlib';

/** 5 of 11: within some per cent of the size of 11 on specs, and tens of times faster. */
const BROTLI_QUALITY = 5;
/** Of a body at a time: a decoded piece is read in about a fifth of a millisecond. */
export const PIECE_BYTES = 65_536;

/** `identityBytes`: how large the body is before. */
export function brotliOptions(identityBytes: number): BrotliOptions {
  return {
    chunkSize: PIECE_BYTES,
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: identityBytes,
    },
  };
}
