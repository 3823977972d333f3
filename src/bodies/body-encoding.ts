// How bodies are compressed here: for clients, and for what reads Redis.
import * as zlib from 'node:zlib';
import type { BrotliOptions } from 'node:zlib';

const { constants } = zlib;

/** 5 of 11: within some per cent of the size of 11 on specs, and tens of times faster. */
const BROTLI_QUALITY = 5;
/**
 * Of a body at a time: a decoded piece is read in about 0.15 ms. From 128 KiB on, glibc gives the memory of a piece back to the system:
 * with half of that, 500 first fetches left 10 MB more of free memory with the process.
 */
export const PIECE_BYTES = 131_072;

/** 6 of 22: what brotli's 5 comes to in size and time. */
const ZSTD_LEVEL = 6;

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

interface Zstd {
  createZstdCompress(options: {
    readonly chunkSize: number;
    readonly params: Readonly<Record<number, number>>;
    readonly pledgedSrcSize: number;
  }): NodeJS.ReadWriteStream;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

/** Node has zstd from 22.15 on (and 23.8). */
const zstd = 'createZstdCompress' in zlib ? (zlib as unknown as Zstd) : undefined;

/** `identityBytes`: as above. Undefined where this Node has no zstd. */
export const zstdEncoder =
  zstd &&
  ((identityBytes: number): NodeJS.ReadWriteStream =>
    zstd.createZstdCompress({
      chunkSize: PIECE_BYTES,
      params: { [zstd.constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
      pledgedSrcSize: identityBytes,
    }));
