// What an origin's answer means: by its status first, then by its headers, then by what the body says. Never by text.
import type { Encoding } from '../../../domain/payload.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import { failed, type Failure } from '../../../domain/failure.js';
import type { FetchOutcome } from '../../../core/origin.js';
import type { TakenBody } from '../../../bodies/body-intake.js';
import type { SpecFacts } from '../spec-body/spec-facts.js';
import { failedStatus, one, type ResponseHeaders } from '../../../http-client/answer-status.js';

/** Why a complete answer is not used. Stable and machine-readable; `status_<n>` carries the origin's HTTP status. */
export type SpecFailureReason =
  | `status_${number}`
  | 'unsupported_encoding'
  | 'unasked_protobuf'
  | 'no_has_updates'
  | 'no_time'
  | 'delta'
  | 'no_spec_sent'
  | 'older_than_held';

/** How the body is to be read. */
export interface BodyPlan {
  readonly kind: 'read-body';
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
}

/** An outcome, where status and headers are enough for one; else how to read the body. */
export function judgeHead(
  key: PayloadKey,
  status: number,
  headers: ResponseHeaders,
  nowMs: number,
): FetchOutcome | BodyPlan {
  if (status === 401 || status === 403) return { kind: 'unauthorized', status };
  if (status !== 200) return failedStatus(status, headers, nowMs);
  // Whatever its value: core SDKs ask only whether it is there.
  if (headers['x-deltas-used'] !== undefined) return failed('delta', 'the answer carries x-deltas-used');
  const coding = codingOf(headers);
  const encoding = encodingOf(headers);
  if (encoding === undefined) return failedEncoding(headers);
  // As SDKs have it; the type says nothing, as storage and mirrors name any file application/octet-stream.
  const format = coding === PROTOBUF_CODING ? 'protobuf' : 'json';
  if (format === 'protobuf' && key.format === 'json') {
    return failed('unasked_protobuf', 'a protobuf body in reply to a request for JSON');
  }
  return { kind: 'read-body', format, encoding };
}

/** The outcome of a body that was read to its end. */
export function judgeBody(plan: BodyPlan, body: TakenBody<SpecFacts>, sinceTime: number): FetchOutcome {
  const { hasUpdates, time, checksum, isDelta, namedValues } = body.facts;
  if (hasUpdates === undefined) return failed('no_has_updates', 'the body has no has_updates');
  if (!hasUpdates) return nothingNew(sinceTime);
  if (isDelta) return failed('delta', 'the body is a delta');
  if (time === undefined)
    return failed('no_time', 'the body has no time that is a whole number of milliseconds');
  if (sinceTime > 0 && time === sinceTime) return { kind: 'unchanged' };
  if (time < sinceTime) return failed('older_than_held', `time ${time} where ${sinceTime} is held`);
  return {
    kind: 'updated',
    payload: {
      format: plan.format,
      version: time,
      originForm: body.form,
      identityBytes: body.identityBytes,
      checksum,
      namedValues,
    },
  };
}

/** The outcome of a body that says there is nothing new. */
export function nothingNew(sinceTime: number): FetchOutcome {
  if (sinceTime > 0) return { kind: 'unchanged' };
  return failed('no_spec_sent', 'has_updates is false, though no version was named');
}

/** The same brotli stream under the name that marks protobuf envelopes in it. */
const PROTOBUF_CODING = 'statsig-br';

const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  [PROTOBUF_CODING, 'br'],
]);

/** How the body is to be decoded; undefined where nobody here can. */
export function encodingOf(headers: ResponseHeaders): Encoding | undefined {
  return ENCODINGS.get(codingOf(headers));
}

export function failedEncoding(headers: ResponseHeaders): Failure<SpecFailureReason> {
  return failed('unsupported_encoding', `content-encoding ${JSON.stringify(codingOf(headers).slice(0, 32))}`);
}

function codingOf(headers: ResponseHeaders): string {
  return one(headers['content-encoding']).trim().toLowerCase();
}
