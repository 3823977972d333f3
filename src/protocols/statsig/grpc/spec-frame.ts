// A ConfigSpecResponse on the wire: the JSON text stands in it as it is, so bytes are put around it and nothing is parsed.
import type { HeldPayload } from '../../../core/payload-store.js';
import { ownBytes } from '../../../domain/own-copy.js';
import { NO_UPDATES } from '../no-updates.js';

/** Tags of `string spec = 1` and `uint64 lastUpdated = 2`. */
const SPEC_TAG = 0x0a;
const LAST_UPDATED_TAG = 0x10;
/** Not compressed, and the message's length in four bytes: gRPC over HTTP/2, "Length-Prefixed-Message". */
const PREFIX_BYTES = 5;

/** Stock clients refuse messages over this: 4 MiB is gRPC's default limit for receiving. */
export const STOCK_CLIENT_BYTES_MAX = 4 * 1024 * 1024;

const NO_UPDATES_BYTES = Buffer.from(NO_UPDATES);

/** The frame of a whole spec: made once per version for all clients. */
export function specFrame(held: HeldPayload): Promise<Buffer> {
  const { version, identityBytes } = held.payload;
  return held.forms.wrap('grpc', (pieces) => {
    const [before, after] = around(identityBytes, version);
    return ownBytes([before, ...pieces, after]);
  });
}

/** The frame that says that there is nothing newer than `version`. */
export function noUpdatesFrame(version: number): Buffer {
  const [before, after] = around(NO_UPDATES_BYTES.length, version);
  return Buffer.concat([before, NO_UPDATES_BYTES, after]);
}

/** The message within a frame, for who frames it himself. */
export function messageOf(frame: Buffer): Buffer {
  return frame.subarray(PREFIX_BYTES);
}

function around(specBytes: number, version: number): [Buffer, Buffer] {
  const before = Buffer.from([SPEC_TAG, ...varint(specBytes)]);
  // proto3 leaves out what is 0.
  const after = version === 0 ? Buffer.alloc(0) : Buffer.from([LAST_UPDATED_TAG, ...varint(version)]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(before.length + specBytes + after.length, 1);
  return [Buffer.concat([prefix, before]), after];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return [...bytes, rest];
}
