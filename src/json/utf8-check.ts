// Whether a body that arrives in pieces is UTF-8, also where a character is cut by the end of a piece.
import { isUtf8 } from 'node:buffer';
import { BodyFault } from '../domain/body-reader.js';

const CONTINUATION_BYTES_MAX = 3;

export class Utf8Check {
  #cut: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array): void {
    const joined = this.#cut.length === 0 ? bytes : Buffer.concat([this.#cut, bytes]);
    const whole = wholeCharactersLength(joined);
    if (!isUtf8(joined.subarray(0, whole))) throw notUtf8();
    // A copy: the piece's memory belongs to the stream it came from.
    this.#cut = Buffer.from(joined.subarray(whole));
  }

  end(): void {
    if (this.#cut.length > 0) throw notUtf8();
  }
}

/** How many bytes from the start hold no character whose end is still to come. */
function wholeCharactersLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(CONTINUATION_BYTES_MAX, bytes.length); back += 1) {
    const at = bytes.length - back;
    const sequenceBytes = sequenceLength(bytes[at] as number);
    if (sequenceBytes > 0) return sequenceBytes > back ? at : bytes.length;
  }
  return bytes.length;
}

/** Bytes in the character that begins with `byte`; 0 where no character begins with it. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  if (byte < 0xe0) return 2;
  if (byte < 0xf0) return 3;
  return byte < 0xf8 ? 4 : 0;
}

function notUtf8(): BodyFault {
  return new BodyFault('not_utf8', 'the body is not UTF-8 text');
}
