// An answer that a proxy of this program relayed: how old it was when it came.
import type { FetchOutcome } from '../../../core/origin.js';
import { one, type ResponseHeaders } from '../../../http-client/answer-status.js';

/** On every answer of this program. */
const PROXY_MARK = 'x-sfp-hostname';
const SECONDS = /^\d{1,9}$/;

/** The outcome with the age that a proxy told. What a CDN keeps may be old, and the newest all the same: its age says nothing. */
export function withAge(outcome: FetchOutcome, headers: ResponseHeaders): FetchOutcome {
  if (outcome.kind !== 'updated' && outcome.kind !== 'unchanged') return outcome;
  const age = one(headers['age']).trim();
  const relayedMs = headers[PROXY_MARK] !== undefined && SECONDS.test(age) ? Number(age) * 1000 : 0;
  return relayedMs === 0 ? outcome : { ...outcome, relayedMs };
}
