// The first line of a snapshot's file: what the body is, whose it is, and how to tell that every byte is as it was written.
import { createHash } from 'node:crypto';
import { PAYLOAD_FORMATS, type PayloadFormat } from '../../domain/resource-kind.js';
import { ENCODINGS, type Encoding } from '../../domain/payload.js';
import { readVersion } from '../../domain/version.js';
import type { SnapshotFault } from '../snapshots.js';

export interface SnapshotHeader {
  /** Hex sha256 of the SDK key. */
  readonly keyHash: string;
  /** The name of the kind of resource. */
  readonly api: string;
  /** The format of the payload key; what came may be another one. */
  readonly asked: PayloadFormat;
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
  readonly version: number;
  /** The id of the data key that the body is sealed with; undefined where it is not. */
  readonly sealedWith: string | undefined;
  /** Of the body after the header, as it is stored. */
  readonly bytes: number;
  /** Of the body without compression. */
  readonly identityBytes: number;
  /** That the body states. */
  readonly checksum: string | undefined;
  /** How many values the body names, which are read out of it again then; undefined where it names none. */
  readonly namedValues: number | undefined;
  /** Of the body as it is stored, in hex. */
  readonly sha256: string;
}

export type HeaderReading =
  | { readonly kind: 'header'; readonly header: SnapshotHeader; readonly lineBytes: number }
  | { readonly kind: 'unusable'; readonly fault: SnapshotFault };

/** Of a header line, which has about 440, and a checksum of up to 128. */
export const HEADER_BYTES_MAX = 1024;
/** In place of the hash while it is not known: of the same length. */
export const UNKNOWN_SHA256 = '0'.repeat(64);

/** Another number for every other layout of these files; files of another layout are set aside. */
const LAYOUT = 1;
/** How every file of this layout begins: ended too early, it is torn; begun otherwise, it is not ours. */
const BEGINNING = `{"magic":"spec-forward-proxy snapshot","layout":${LAYOUT},`;
const LINE_END = '\n';
const SHA256 = /^[0-9a-f]{64}$/;

/** The line with its end. Headers that differ in the hash only have lines of one length. */
export function encodeHeader(header: SnapshotHeader): Buffer {
  const { keyHash, api, asked, format, encoding, version, bytes, identityBytes, checksum } = header;
  const { namedValues, sealedWith, sha256 } = header;
  const ofBody = {
    format,
    encoding,
    version,
    sealedWith,
    bytes,
    identityBytes,
    checksum,
    namedValues,
    sha256,
  };
  const fields = { keyHash, api, asked, ...ofBody };
  const text = BEGINNING + JSON.stringify(fields).slice(1, -1);
  const headerSha256 = createHash('sha256').update(text).digest('hex');
  return Buffer.from(`${text},"headerSha256":"${headerSha256}"}${LINE_END}`);
}

/** Reads the header at the beginning of `start`: the whole file, or at least HEADER_BYTES_MAX of it. */
export function readHeader(start: Buffer): HeaderReading {
  const text = start.toString('latin1', 0, HEADER_BYTES_MAX);
  if (!text.startsWith(BEGINNING)) return unusable(BEGINNING.startsWith(text) ? 'torn' : 'unknown_format');
  const lineEnd = text.indexOf(LINE_END);
  const header = parseHeader(text.slice(0, Math.max(0, lineEnd)));
  const lineBytes = lineEnd + LINE_END.length;
  // A line that would be written in another way was not written by us: this holds its own hash too.
  if (header === undefined || !encodeHeader(header).equals(start.subarray(0, lineBytes)))
    return unusable('torn');
  return { kind: 'header', header, lineBytes };
}

function unusable(fault: SnapshotFault): HeaderReading {
  return { kind: 'unusable', fault };
}

function parseHeader(line: string): SnapshotHeader | undefined {
  try {
    const value = JSON.parse(line) as Readonly<Record<keyof SnapshotHeader, unknown>>;
    return isHeader(value) ? value : undefined;
  } catch {
    // No JSON: where the line should be whole, that is all there is to know.
    return undefined;
  }
}

function isHeader(value: Readonly<Record<keyof SnapshotHeader, unknown>>): value is SnapshotHeader {
  const { keyHash, api, asked, format, encoding, sealedWith, checksum, namedValues, sha256 } = value;
  return (
    [keyHash, sha256].every((hash) => typeof hash === 'string' && SHA256.test(hash)) &&
    typeof api === 'string' &&
    (sealedWith === undefined || typeof sealedWith === 'string') &&
    (checksum === undefined || typeof checksum === 'string') &&
    (namedValues === undefined || readVersion(namedValues) !== undefined) &&
    PAYLOAD_FORMATS.some((known) => known === asked) &&
    PAYLOAD_FORMATS.some((known) => known === format) &&
    ENCODINGS.some((known) => known === encoding) &&
    [value.version, value.bytes, value.identityBytes].every((number) => readVersion(number) !== undefined)
  );
}
