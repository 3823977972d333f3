// A body decompressed as a whole, within a limit. For a thread of its own: it blocks while it works.
import * as zlib from 'node:zlib';

type Decode = (body: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

/** Node has zstd from 22.15 on (and 23.8); before that such bodies cannot be looked into. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: Decode };

const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['', asItIs],
  ['identity', asItIs],
  ['gzip', zlib.gunzipSync],
  ['x-gzip', zlib.gunzipSync],
  ['br', zlib.brotliDecompressSync],
  ...(zstdDecompressSync === undefined ? [] : [['zstd', zstdDecompressSync] as const]),
]);

export type Decoded =
  | { readonly kind: 'decoded'; readonly text: Uint8Array }
  | { readonly kind: 'unknown-coding' }
  | { readonly kind: 'too-large' }
  /** It is not what its coding says. */
  | { readonly kind: 'broken' };

export function decodeBody(body: Uint8Array, coding: string, bytesMax: number): Decoded {
  const decode = DECODERS.get(coding);
  if (decode === undefined) return { kind: 'unknown-coding' };
  if (decode === asItIs && body.length > bytesMax) return { kind: 'too-large' };
  try {
    return { kind: 'decoded', text: decode(body, { maxOutputLength: bytesMax }) };
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return { kind: isTooLarge ? 'too-large' : 'broken' };
  }
}

function asItIs(body: Uint8Array): Uint8Array {
  return body;
}
