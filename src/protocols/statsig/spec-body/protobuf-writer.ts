// Writes protobuf messages field by field, as far as specs and their deltas need it.

export type FieldValue = number | boolean | string | Uint8Array;

/** A message of these fields, in this order; numbers and booleans become varints, the rest gets a length. */
export function message(...fields: readonly (readonly [number, FieldValue])[]): Buffer {
  return Buffer.concat(fields.flatMap(([number, value]) => encodeField(number, value)));
}

/** A message with its length before it, as in a stream of messages. */
export function delimited(bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

function encodeField(number: number, value: FieldValue): Uint8Array[] {
  if (typeof value === 'number' || typeof value === 'boolean')
    return [varint(number * 8), varint(Number(value))];
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return [varint(number * 8 + 2), varint(bytes.length), bytes];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
