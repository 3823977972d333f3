// What is answered about a payload that is held, and with which headers, in the fast lane and in the routes.
import { canMakeZstd } from '../../../bodies/body-forms.js';
import { namesAsWelcome, negotiateEncoding } from '../../../domain/accept-encoding.js';
import type { BodyForm, FormEncoding } from '../../../domain/payload.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import { hasNewsFor } from '../../../domain/version.js';
import { ageMs, type HeldPayload } from '../../../core/payload-store.js';

/** What of a request decides about its answer, once the payload is known. */
export interface AnswerWishes {
  /** 0 for a client that holds nothing. */
  readonly sinceTime: number;
  readonly acceptEncoding: string | undefined;
}

/** In the order in which they are sent. */
type Headers = Record<string, string>;

/** Everything that chooses between answers: the key may come by header. */
const VARY = 'accept-encoding, statsig-supports-proto, statsig-api-key';

export const NO_UPDATES_HEADERS = { 'content-type': 'application/json', 'x-cache-hit': 'true' } as const;

/** An encoding: the whole payload in that. */
export type Choice = 'no_updates' | FormEncoding | 'not_acceptable';

export function chooseAnswer({ payload, forms }: HeldPayload, wishes: AnswerWishes, nowMs: number): Choice {
  if (!hasNewsFor(payload.version, wishes.sinceTime, nowMs)) return 'no_updates';
  if (payload.format === 'protobuf') return protobufEncoding(wishes.acceptEncoding);
  return negotiateEncoding(wishes.acceptEncoding, forms.byEase) ?? 'not_acceptable';
}

/**
 * Every SDK that asks for protobuf reads `statsig-br`, whatever else it names. Those that name `statsig-zstd` read it; SDKs
 * that name `zstd` do not.
 */
function protobufEncoding(acceptEncoding: string | undefined): 'br' | 'zstd' {
  return canMakeZstd && namesAsWelcome(acceptEncoding, 'statsig-zstd', 'statsig-br') ? 'zstd' : 'br';
}

/** Of every answer about a payload. */
export function versionHeaders(held: HeldPayload, nowMonotonicMs: number): Headers {
  return {
    vary: VARY,
    // SFP sends 0 for ID lists: their version is not a time that a client could name.
    'x-since-time': held.key.kind.versions === 'stated' ? String(held.payload.version) : '0',
    age: String(ageS(held, nowMonotonicMs)),
  };
}

/** Seconds since the origin confirmed the version. */
export function ageS(held: HeldPayload, nowMonotonicMs: number): number {
  return Math.floor(ageMs(held, nowMonotonicMs) / 1000);
}

/** Of an answer that is the whole payload, or would be. */
export function wholeHeaders({ payload: { checksum } }: HeldPayload): Headers {
  return checksum === undefined ? {} : { 'x-checksum': checksum };
}

/** Of the body in one of its forms. */
export function formHeaders({ etag, encoding }: BodyForm<FormEncoding>, format: PayloadFormat): Headers {
  const isProtobuf = format === 'protobuf';
  const headers: Headers = {
    etag,
    'content-type': isProtobuf ? 'application/octet-stream' : 'application/json',
  };
  // SDKs read protobuf only under this pair of headers.
  if (isProtobuf) headers['content-encoding'] = `statsig-${encoding}`;
  else if (encoding !== 'identity') headers['content-encoding'] = encoding;
  return headers;
}
