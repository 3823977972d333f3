// The two stored forms of a body: made from a payload, and read back into one with the checks any body gets.
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, gunzip } from 'node:zlib';
import { ENCODINGS, type Encoding, type Payload } from '../../domain/payload.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { PayloadFormat, ResourceKind } from '../../domain/resource-kind.js';
import { brotliOptions, PIECE_BYTES } from '../../bodies/body-encoding.js';
import { takeInBody, type BodyLimits } from '../../bodies/body-intake.js';
import type { BackupSeal } from '../backup-seal.js';
import { inPieces } from '../../bodies/body-pieces.js';
import { BodyFault, type BodyFaultReason } from '../../domain/body-reader.js';

const compressBrotli = promisify(brotliCompress);
const decompressBrotli = promisify(brotliDecompress);
const decompressGzip = promisify(gunzip);

export interface BodyFields {
  readonly format: PayloadFormat;
  /** For SDKs' adapters: uncompressed JSON, or protobuf compressed with brotli. Empty if they cannot use it. */
  readonly config: Buffer;
  /** As the origin sent it, unless that is the config: a tenth of the bytes, and the same ETag on every replica. */
  readonly body: Buffer;
  /** Empty without a body; as `bodyCoding` writes it where that is sealed. */
  readonly bodyEncoding: string;
}

/** Between the body's encoding and the data key that seals it: a release without sealed bodies knows no such encoding. */
const SEALED_WITH = '+';

/** `sealedWith`: the id of the data key; empty where the body is not sealed. */
export function bodyCoding(encoding: Encoding, sealedWith: string): string {
  return sealedWith === '' ? encoding : `${encoding}${SEALED_WITH}${sealedWith}`;
}

/** Undefined where it is not one that this release knows. */
export function readBodyCoding(
  text: unknown,
): { readonly encoding: Encoding; readonly sealedWith: string } | undefined {
  const [word, sealedWith = '', ...more] = typeof text === 'string' ? text.split(SEALED_WITH) : [];
  const encoding = ENCODINGS.find((known) => known === word);
  return encoding === undefined || more.length > 0 ? undefined : { encoding, sealedWith };
}

const NONE = Buffer.alloc(0);

/** Rejects where memory or zlib fails. Where bodies are sealed there is nothing that SDKs' adapters could use. */
export async function toBodyFields(
  key: PayloadKey,
  { format, version, originForm }: Payload,
  bytesMax: number,
  seal: BackupSeal,
): Promise<BodyFields> {
  const { bytes, encoding } = originForm;
  const { id: sealedWith } = seal;
  if (sealedWith !== '') {
    const body = await seal.close(key, version, bytes);
    return { format, config: NONE, body, bodyEncoding: bodyCoding(encoding, sealedWith) };
  }
  // The origin answered a request for protobuf with JSON: adapters that expect protobuf cannot read it, replicas can. What
  // is content-addressed, adapters do not look for.
  if (format !== key.format || key.kind.isContentAddressed)
    return { format, config: NONE, body: bytes, bodyEncoding: encoding };
  const wanted: Encoding = format === 'json' ? 'identity' : 'br';
  if (encoding === wanted) return { format, config: bytes, body: NONE, bodyEncoding: '' };
  const identity = await decompress(bytes, encoding, bytesMax);
  const config =
    wanted === 'identity' ? identity : await compressBrotli(identity, brotliOptions(identity.length));
  return { format, config, body: bytes, bodyEncoding: encoding };
}

async function decompress(bytes: Buffer, encoding: Encoding, bytesMax: number): Promise<Buffer> {
  const options = { chunkSize: PIECE_BYTES, maxOutputLength: bytesMax };
  switch (encoding) {
    case 'identity':
      return bytes;
    case 'gzip':
      return await decompressGzip(bytes, options);
    case 'br':
      return await decompressBrotli(bytes, options);
  }
}

/** How to read stored bytes. */
export interface StoredForm {
  readonly kind: ResourceKind;
  readonly version: number;
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
}

/** They only prove that this replica's limits are lower than another's. */
const LIMITS: readonly BodyFaultReason[] = ['body_too_large', 'decoded_body_too_large'];

/** The payload of stored bytes; or that they are unusable here, or proven not to be a spec of this version anywhere. */
export async function readPayload(
  bytes: Buffer,
  { kind, version, format, encoding }: StoredForm,
  limits: BodyLimits,
): Promise<Payload | 'unusable' | 'disproved'> {
  const reader = kind.createStoredReader(format, limits.decodedBytesMax);
  // JSON stays JSON; a later release may know a layout of protobuf that this one does not.
  const canProve = format === 'json';
  try {
    const taken = await takeInBody(inPieces(bytes), encoding, reader, limits, bytes.length);
    const { form, identityBytes, facts } = taken;
    const isOfVersion = kind.versions === 'assigned' || facts.version === version;
    if (facts.isServable && isOfVersion) {
      const { checksum, namedValues } = facts;
      return { format, version, originForm: form, identityBytes, checksum, namedValues };
    }
    return canProve || facts.version !== undefined ? 'disproved' : 'unusable';
  } catch (error) {
    if (!(error instanceof BodyFault)) throw error;
    return canProve && !LIMITS.includes(error.reason) ? 'disproved' : 'unusable';
  }
}
