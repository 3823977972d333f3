// What an answer to a request for a file's bytes means: by its status first, then by its headers. Never by text.
import type { Encoding } from '../../../domain/payload.js';
import type { FileFailure, NothingMore } from './id-list-file-origin.js';
import { failedStatus, one, type ResponseHeaders } from '../../../http-client/answer-status.js';
import { encodingOf, failedEncoding } from './upstream-response.js';

/** How the body is to be read. */
export interface PartPlan {
  readonly kind: 'read-part';
  /** Where in the file its first byte belongs. */
  readonly startByte: number;
  /** Once decoded; undefined where nothing tells. */
  readonly lengthBytes: number | undefined;
  readonly encoding: Encoding;
}

export type FilePlan =
  | PartPlan
  | NothingMore
  /** Part of the file, and not the one that was asked for, or not readable: to be asked for again, as a whole. */
  | { readonly kind: 'ask-whole' }
  | FileFailure;

/** `fromByte`: what the request asked from; a part that begins there is taken whether a range was asked for or not. */
export function judgeFileHead(
  status: number,
  headers: ResponseHeaders,
  fromByte: number,
  nowMs: number,
): FilePlan {
  if (status === 206) return judgePart(headers, fromByte);
  // An empty file has no first byte for a range to begin with.
  if (status === 416 && fromByte === 0) return { kind: 'ask-whole' };
  if (status === 416) {
    return {
      kind: 'nothing-more',
      totalBytes: readNumber(one(headers['content-range']), /^bytes \*\/(\d+)$/),
    };
  }
  if (status !== 200) return failedStatus(status, headers, nowMs);
  const encoding = encodingOf(headers);
  if (encoding === undefined) return failedEncoding(headers);
  // Of a body that is decoded it is the length before that.
  const lengthBytes =
    encoding === 'identity' ? readNumber(one(headers['content-length']), /^(\d+)$/) : undefined;
  return { kind: 'read-part', startByte: 0, lengthBytes, encoding };
}

function judgePart(headers: ResponseHeaders, fromByte: number): FilePlan {
  const encoding = encodingOf(headers);
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d+|\*)$/.exec(one(headers['content-range']).trim());
  const [startByte, lastByte] = [Number(range?.[1]), Number(range?.[2])];
  const isExpected = range !== null && startByte === fromByte && lastByte >= startByte;
  if (!isExpected || encoding === undefined) return { kind: 'ask-whole' };
  return { kind: 'read-part', startByte, lengthBytes: lastByte - startByte + 1, encoding };
}

function readNumber(header: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(header.trim())?.[1];
  return digits === undefined ? undefined : Number(digits);
}
