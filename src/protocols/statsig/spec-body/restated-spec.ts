// The same spec with another `time`: spliced into the body, every other byte stays; its checksum is left out, as nobody can make it anew.
import { COMMA, OPEN_OBJECT } from '../../../json/json-bytes.js';
import { membersOf, skipSpace, type Slice } from '../../../json/json-slices.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import { readVarint } from './protobuf-fields.js';
import { delimited, message } from './protobuf-writer.js';
import { ENVELOPE, readEnvelope } from './spec-envelopes.js';

/** Undefined where the body's own `time` cannot be found beyond doubt. `body`: a valid spec, without compression. */
export function restateSpec(body: Buffer, format: PayloadFormat, time: number): Buffer | undefined {
  return format === 'json' ? restateJson(body, time) : restateProtobuf(body, time);
}

function restateJson(body: Buffer, time: number): Buffer | undefined {
  const start = skipSpace(body, 0);
  const members = body[start] === OPEN_OBJECT ? membersOf(body, start) : undefined;
  const [ofTime, checksum] = [members?.get('time'), members?.get('checksum')];
  if (ofTime === undefined) return undefined;
  const cuts = [{ ...ofTime, put: String(time) }];
  if (checksum !== undefined) cuts.push({ ...wholeMember(body, 'checksum', checksum), put: '' });
  cuts.sort((left, right) => left.from - right.from);
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { from, to, put } of cuts) {
    pieces.push(body.subarray(at, from), Buffer.from(put));
    at = to;
  }
  return Buffer.concat([...pieces, body.subarray(at)]);
}

/** With its name, and the comma that only it needs. There is another member: `time`. */
function wholeMember(body: Buffer, name: string, value: Slice): Slice {
  const from = body.lastIndexOf(`"${name}"`, value.from);
  const after = skipSpace(body, value.to);
  if (body[after] === COMMA) return { from, to: after + 1 };
  return { from: body.lastIndexOf(COMMA, from), to: value.to };
}

/** Of TOP_LEVEL. */
const TIME = 2;
const CHECKSUM = 5;
/** Of an envelope. */
const ENVELOPE_CHECKSUM = 3;
const ENVELOPE_DATA = 4;

function restateProtobuf(body: Buffer, time: number): Buffer | undefined {
  const pieces: Uint8Array[] = [];
  let isRestated = false;
  for (let at = 0; at < body.length;) {
    const length = readVarint(body, at);
    if (length === undefined) return undefined;
    const end = length.end + length.value;
    const envelope = body.subarray(length.end, end);
    const { kind, data } = readEnvelope(envelope);
    if (kind === ENVELOPE.topLevel) {
      if (isRestated) return undefined;
      isRestated = true;
      pieces.push(delimited(restateTopLevel(envelope, data ?? new Uint8Array(), time)));
    } else pieces.push(body.subarray(at, end));
    at = end;
  }
  return isRestated ? Buffer.concat(pieces) : undefined;
}

function restateTopLevel(envelope: Buffer, data: Uint8Array, time: number): Buffer {
  const others = fieldsWithout(data, [TIME, CHECKSUM]);
  const restated = Buffer.concat([...others, message([TIME, time])]);
  return Buffer.concat([
    ...fieldsWithout(envelope, [ENVELOPE_CHECKSUM, ENVELOPE_DATA]),
    message([ENVELOPE_DATA, restated]),
  ]);
}

/** The fields of a message as they are written, whatever their types. Throws a RangeError where the bytes are no message. */
function fieldsWithout(bytes: Uint8Array, numbers: readonly number[]): Uint8Array[] {
  const fields: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    const end = tag && endOfField(bytes, tag.end, tag.value % 8);
    if (tag === undefined || end === undefined || end > bytes.length)
      throw new RangeError('a message that ends inside a field');
    if (!numbers.includes(Math.floor(tag.value / 8))) fields.push(bytes.subarray(at, end));
    at = end;
  }
  return fields;
}

function endOfField(bytes: Uint8Array, at: number, wireType: number): number | undefined {
  switch (wireType) {
    case 0:
      return readVarint(bytes, at)?.end;
    case 1:
      return at + 8;
    case 2: {
      const length = readVarint(bytes, at);
      return length && length.end + length.value;
    }
    case 5:
      return at + 4;
    default:
      throw new RangeError(`wire type ${wireType}`);
  }
}
