// Whether an answer comes from the origin itself, or from something in between: a gateway, an outbound proxy, a login page.
import type { Clock } from '../domain/clock.js';
import { failed, type Failure } from '../domain/failure.js';
import { readStart } from './exchange.js';
import type { UpstreamResponse } from './upstream-pool.js';
import type { ResponseHeaders } from './answer-status.js';

/** Stable and machine-readable. */
export type ForeignAnswerReason = 'foreign_answer';

/** Only what stands in between sends these: squid, AWS WAF, Cloudflare's challenges, a proxy that wants a login. */
const FOREIGN_HEADERS: readonly string[] = [
  'x-squid-error',
  'x-amzn-waf-action',
  'cf-mitigated',
  'proxy-authenticate',
];
/** A load balancer passes the origin's own `server` on, and names itself where it answers for it. */
const FOREIGN_SERVERS = /^(?:awselb|squid|zscaler|bluecoat|mcafee|fortigate)\b/i;
/** Not any markup: a content delivery network may word its own refusals in XML. */
const PAGE_START = /^\s*<(?:!doctype html|html)\b/i;
const PAGE_TYPES = /^(?:text\/html|application\/xhtml\+xml)\b/i;

/** The origin answers in JSON or with an empty body. `bodyStart`: as much of the body as was read, as text. */
export function isForeignAnswer(headers: ResponseHeaders, bodyStart: string): boolean {
  if (FOREIGN_HEADERS.some((name) => headers[name] !== undefined)) return true;
  if (FOREIGN_SERVERS.test(String(headers['server'] ?? ''))) return true;
  if (isWordOfSfp(headers, bodyStart)) return true;
  return PAGE_TYPES.test(String(headers['content-type'] ?? '')) || PAGE_START.test(bodyStart);
}

/**
 * SFP says the same whether the origin refused the key or failed. Its framework, Rocket, adds the header to every answer;
 * others add it too, but not to these words.
 */
function isWordOfSfp(headers: ResponseHeaders, bodyStart: string): boolean {
  if (bodyStart !== 'Unauthorized' || headers['permissions-policy'] !== 'interest-cohort=()') return false;
  return String(headers['content-type'] ?? '').startsWith('text/plain');
}

export function foreignAnswer(status: number): Failure<ForeignAnswerReason> {
  return failed('foreign_answer', `HTTP status ${status} of something in between`);
}

export interface Refused {
  readonly kind: 'unauthorized';
  readonly status: number;
}

/** What an answer with 401 or 403 says: the key is refused, if it is the origin that says so. */
export async function judgeRefusal(
  clock: Clock,
  response: UpstreamResponse,
): Promise<Refused | Failure<ForeignAnswerReason>> {
  const { statusCode: status, headers } = response;
  const text = await readStart(clock, response);
  return isForeignAnswer(headers, text) ? foreignAnswer(status) : { kind: 'unauthorized', status };
}
