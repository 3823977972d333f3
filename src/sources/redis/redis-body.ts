// The two stored forms of a body: made from a payload, and read back into one with the checks any body gets.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, gunzip } from 'node:zlib';
import type { Encoding, Payload } from '../../domain/payload.js';
import { ID_LISTS, type PayloadApi, type PayloadKey, type SpecFormat } from '../../domain/payload-key.js';
import { brotliOptions, PIECE_BYTES } from '../spec-body/body-encoding.js';
import { takeInBody, type BodyLimits } from '../spec-body/body-intake.js';
import { SpecBodyFault, type SpecBodyReason } from '../spec-body/spec-facts.js';
import { createBodyReader } from '../spec-body/body-reader.js';

const compressBrotli = promisify(brotliCompress);
const decompressBrotli = promisify(brotliDecompress);
const decompressGzip = promisify(gunzip);

export interface BodyFields {
  readonly format: SpecFormat;
  /** For SDKs' adapters: uncompressed JSON, or protobuf compressed with brotli. Empty if it is of no use to them. */
  readonly config: Buffer;
  /** As the origin sent it, unless that is the config: a tenth of the bytes, and the same ETag on every replica. */
  readonly body: Buffer;
  readonly bodyEncoding: Encoding | '';
}

const NONE = Buffer.alloc(0);

/** Rejects where memory or zlib fails. */
export async function toBodyFields(
  key: PayloadKey,
  { format, originForm }: Payload,
  bytesMax: number,
): Promise<BodyFields> {
  const { bytes, encoding } = originForm;
  // The origin answered a request for protobuf with JSON: adapters that expect protobuf cannot read it, replicas can.
  if (format !== key.format) return { format, config: NONE, body: bytes, bodyEncoding: encoding };
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
  readonly api: PayloadApi;
  readonly version: number;
  readonly format: SpecFormat;
  readonly encoding: Encoding;
}

/** They only prove that this replica's limits are lower than another's. */
const LIMITS: readonly SpecBodyReason[] = ['body_too_large', 'decoded_body_too_large'];

/** The payload of stored bytes; or that they are unusable here, or proven not to be a spec of this version anywhere. */
export async function readPayload(
  bytes: Buffer,
  { api, version, format, encoding }: StoredForm,
  limits: BodyLimits,
): Promise<Payload | 'unusable' | 'disproved'> {
  const reader = createBodyReader(api, format, limits);
  // JSON stays JSON; a later release may know a layout of protobuf that this one does not.
  const canProve = format === 'json';
  try {
    const { form, identityBytes, facts } = await takeInBody(pieces(bytes), encoding, reader, limits);
    const isOfVersion = api === ID_LISTS || facts.time === version;
    if (facts.hasUpdates === true && !facts.isDelta && isOfVersion) {
      return { format, version, originForm: form, identityBytes };
    }
    return canProve || facts.time !== undefined ? 'disproved' : 'unusable';
  } catch (error) {
    if (!(error instanceof SpecBodyFault)) throw error;
    return canProve && !LIMITS.includes(error.reason) ? 'disproved' : 'unusable';
  }
}

/** The event loop turns after each, as it does for a body that arrives over a network. */
async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
    await nextTurn();
  }
}
