// The bytes of a file's answer: decoded, counted against what the head told, and looked at where a list begins.
import { pipeline, type Readable } from 'node:stream';
import type { Encoding } from '../../../domain/payload.js';
import type { FileFailureReason } from './id-list-file-origin.js';
import { asBodyFault, createDecoder, trailingBytes } from '../../../bodies/body-decoding.js';
import type { PartPlan } from './id-list-file-response.js';

/** The bytes are not what they should be. */
export class FileBytesFault extends Error {
  override readonly name = 'FileBytesFault';
  readonly reason: FileFailureReason;

  constructor(reason: FileFailureReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Ends with the part, and throws where it is cut short or is no part of an ID list. */
export async function* readPart(plan: PartPlan, body: Readable): AsyncGenerator<Uint8Array, undefined> {
  const { startByte, lengthBytes } = plan;
  let bytes = 0;
  for await (const piece of decode(body, plan.encoding)) {
    if (piece.length === 0) continue;
    if (bytes === 0 && startByte === 0 && !beginsList(piece)) {
      throw new FileBytesFault('not_an_id_list', 'the file does not begin with + or -');
    }
    bytes += piece.length;
    if (lengthBytes !== undefined && bytes > lengthBytes) {
      throw new FileBytesFault('longer_than_said', `more than the ${lengthBytes} bytes of its head`);
    }
    yield piece;
  }
  if (lengthBytes !== undefined && bytes < lengthBytes) {
    throw new FileBytesFault('truncated', `${bytes} of ${lengthBytes} bytes came`);
  }
}

/** As SDKs look at it: by its first byte, and no further. */
function beginsList(piece: Uint8Array): boolean {
  return piece[0] === '+'.charCodeAt(0) || piece[0] === '-'.charCodeAt(0);
}

async function* decode(body: Readable, encoding: Encoding): AsyncGenerator<Uint8Array, undefined> {
  if (encoding === 'identity') {
    yield* body as AsyncIterable<Uint8Array>;
    return;
  }
  const decoder = createDecoder(encoding);
  let encodedBytes = 0;
  async function* count(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      encodedBytes += piece.length;
      yield piece;
    }
  }
  // What goes wrong comes out of the decoder.
  pipeline(body, count, decoder, () => undefined);
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw asBodyFault(error);
  }
  if (decoder.bytesWritten !== encodedBytes) throw trailingBytes();
}
