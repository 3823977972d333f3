// Takes in a body as it arrives: keeps its bytes as they came, decodes and reads them piece by piece, within limits.
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BodyForm, Encoding } from '../domain/payload.js';
import { toEtag } from '../domain/etag.js';
import { withoutStart } from './body-forms.js';
import { MARK_BYTES, MarkRemover } from './byte-order-mark.js';
import { asBodyFault, createDecoder, isZlibError, trailingBytes } from './body-decoding.js';
import { BodyFault, type BodyReader } from '../domain/body-reader.js';
import { KeptBytes } from './kept-bytes.js';

export interface BodyLimits {
  /** As it travels. */
  readonly encodedBytesMax: number;
  /** After decompression. */
  readonly decodedBytesMax: number;
}

export interface TakenBody<Facts> {
  readonly form: BodyForm;
  readonly identityBytes: number;
  readonly facts: Facts;
}

/**
 * The decoded body is never held whole: zlib inflates on its own threads, and each piece is read and let go, so a
 * body of any size stalls the event loop no longer than one piece does.
 * Rejects with a BodyFault for what the reader does not take, and with the source's own error where that fails.
 * `announcedBytes`: how long the body is said to be as it travels, if that is known.
 */
export async function takeInBody<Facts>(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  encoding: Encoding,
  reader: BodyReader<Facts>,
  limits: BodyLimits,
  announcedBytes?: number,
): Promise<TakenBody<Facts>> {
  const kept = new KeptBytes(announcedBytes, limits.encodedBytesMax);
  const hash = createHash('sha256');
  let identityBytes = 0;
  const text = reader.isText ? new MarkRemover() : undefined;

  const keep = (piece: Uint8Array): void => {
    if (kept.bytes + piece.length > limits.encodedBytesMax)
      throw tooLarge('body_too_large', limits.encodedBytesMax);
    kept.add(piece);
    hash.update(piece);
  };
  const read = (piece: Uint8Array): void => {
    identityBytes += piece.length;
    if (identityBytes > limits.decodedBytesMax) {
      throw tooLarge('decoded_body_too_large', limits.decodedBytesMax);
    }
    reader.push(text?.push(piece) ?? piece);
  };

  try {
    if (encoding === 'identity') {
      // Without streams in between: most of what comes so is small.
      for await (const piece of body) {
        keep(piece);
        read(piece);
      }
    } else {
      const decoder = createDecoder(encoding);
      await pipeline(body, passing(keep), decoder, writableTo(read));
      // Decoders of SDKs are less forgiving than zlib, which stops where the stream ends.
      if (decoder.bytesWritten !== kept.bytes) throw trailingBytes();
    }
  } catch (error) {
    if (kept.bytes === 0 && isZlibError(error)) throw emptyBody();
    throw asBodyFault(error);
  }
  if (kept.bytes === 0) throw emptyBody();
  if (text !== undefined) reader.push(text.end());
  const facts = reader.end();
  const form = { encoding, bytes: kept.whole(), etag: toEtag(hash) };
  if (text?.hasMark !== true) return { form, identityBytes, facts };
  // Made anew here, once, so that nobody behind has to know of the mark: clients, Redis' readers, the disk.
  const markedBytes = identityBytes;
  identityBytes -= MARK_BYTES;
  return { form: await withoutStart(form, MARK_BYTES, markedBytes), identityBytes, facts };
}

function passing(keep: (piece: Uint8Array) => void) {
  return async function* (
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      keep(piece);
      yield piece;
    }
  };
}

function writableTo(read: (piece: Uint8Array) => void): Writable {
  return new Writable({
    write: (piece: Uint8Array, _encoding, done) => {
      try {
        read(piece);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

function tooLarge(reason: 'body_too_large' | 'decoded_body_too_large', bytesMax: number): BodyFault {
  return new BodyFault(reason, `the body is larger than ${bytesMax} bytes`);
}

function emptyBody(): BodyFault {
  return new BodyFault('empty_body', 'the body is empty');
}
