// The protobuf wire format, as far as a spec's envelopes need it: fields of one message, in order.

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const VARINT_BYTES_MAX = 10;

export interface Varint {
  readonly value: number;
  /** Offset of the first byte after it. */
  readonly end: number;
}

/** A field's number and its value: a number for varints, bytes for what has a length; fixed-size fields are passed over. */
export interface ProtobufField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/**
 * Reads a varint. Values over 2^53 lose their last digits, which a version may not: see `readVersion`.
 * Undefined where `bytes` end before the varint does; throws a RangeError for one that is too long.
 */
export function readVarint(bytes: Uint8Array, at: number): Varint | undefined {
  let value = 0;
  let factor = 1;
  for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + index + 1 };
    factor *= 0x80;
  }
  throw new RangeError('a varint of more than 10 bytes');
}

/** Every field of a message. Throws a RangeError where the bytes are no message. */
export function* readFields(message: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  while (at < message.length) {
    const tag = wholeVarint(message, at);
    const number = Math.floor(tag.value / 8);
    if (number === 0) throw new RangeError('field number 0');
    const wireType = tag.value % 8;
    if (wireType === VARINT) {
      const varint = wholeVarint(message, tag.end);
      at = varint.end;
      yield { number, value: varint.value };
    } else if (wireType === LENGTH_DELIMITED) {
      const length = wholeVarint(message, tag.end);
      at = length.end + length.value;
      if (at > message.length) throw new RangeError('a field longer than its message');
      yield { number, value: message.subarray(length.end, at) };
    } else {
      at = tag.end + fixedSize(wireType);
      if (at > message.length) throw new RangeError('a field longer than its message');
    }
  }
}

function wholeVarint(bytes: Uint8Array, at: number): Varint {
  const varint = readVarint(bytes, at);
  if (varint === undefined) throw new RangeError('a message that ends inside a varint');
  return varint;
}

function fixedSize(wireType: number): number {
  if (wireType === FIXED64) return 8;
  if (wireType === FIXED32) return 4;
  throw new RangeError(`wire type ${wireType}`);
}
