// The thread that gives a spec another `time`: it decompresses the body, splices it, proves the result, and compresses it again.
import { parentPort, workerData } from 'node:worker_threads';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { brotliOptions } from '../../../bodies/body-encoding.js';
import type { Encoding } from '../../../domain/payload.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import { createSpecReader } from '../spec-body/spec-reader.js';
import { decodeAtOnce } from '../spec-diff/diff-bodies.js';
import { restateSpec } from '../spec-body/restated-spec.js';

export interface RestateRequest {
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
  readonly identityBytes: number;
  readonly time: number;
}

/** In the encoding of the request; undefined where the body has no `time` that could be found, or would not be a spec then. */
export type RestateAnswer = { readonly bytes: Uint8Array; readonly identityBytes: number } | undefined;

function restate({ format, encoding, bytes, identityBytes, time }: RestateRequest): RestateAnswer {
  const restated = restateSpec(decodeAtOnce(bytes, encoding, identityBytes), format, time);
  if (restated === undefined) return undefined;
  const reader = createSpecReader(format, restated.length);
  reader.push(restated);
  const facts = reader.end();
  if (facts.time !== time || facts.hasUpdates !== true || facts.checksum !== undefined) return undefined;
  return { bytes: encode(restated, encoding), identityBytes: restated.length };
}

function encode(bytes: Buffer, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'identity':
      return bytes;
    case 'gzip':
      return gzipSync(bytes);
    case 'br':
      return brotliCompressSync(bytes, brotliOptions(bytes.length));
  }
}

parentPort?.postMessage(restate(workerData as RestateRequest));
