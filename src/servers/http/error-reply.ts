// The one shape of an error body, and every reason that may stand in it.
import type { FastifyReply } from 'fastify';

/**
 * Stable and machine-readable; once released, a reason keeps its meaning and its status.
 * 429 and 413 are not among what our own limits on specs and log events answer: 503 is what SDKs try again after.
 */
const STATUSES = {
  sdk_key_missing: 400,
  sdk_key_invalid: 400,
  request_invalid: 400,
  body_invalid: 400,
  body_too_large: 413,
  header_too_large: 431,
  expectation_failed: 417,
  request_timeout: 408,
  key_refused: 401,
  key_not_pinned: 403,
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  scope_missing: 403,
  too_many_bad_tokens: 429,
  token_keys_missing: 503,
  cross_site_request: 403,
  hold_refused: 409,
  too_many_requests: 429,
  versions_unreadable: 503,
  comparing_busy: 503,
  not_found: 404,
  not_acceptable: 406,
  internal_error: 500,
  profiler_missing: 501,
  profiler_busy: 503,
  proxy_loop: 508,
  origin_failing: 503,
  too_many_cold_fetches: 503,
  sdk_keys_limit_reached: 503,
  too_many_bodies: 503,
  too_many_streams: 503,
  config_missing: 503,
  log_events_too_large: 503,
  log_events_queue_full: 503,
  log_events_not_written: 503,
  too_many_log_events: 503,
  stopping: 503,
} as const satisfies Record<string, number>;

export type ErrorReason = keyof typeof STATUSES;

export interface ErrorBody {
  readonly code: number;
  readonly reason: ErrorReason;
  /** What was wrong and what to do, for people. */
  readonly message: string;
  /** What the origin did, where that is the cause. */
  readonly origin?: string;
}

export function errorBody(reason: ErrorReason, message: string, origin?: string): ErrorBody {
  return { code: STATUSES[reason], reason, message, ...(origin === undefined ? {} : { origin }) };
}

export function sendError(reply: FastifyReply, body: ErrorBody, retryAfterS?: number): FastifyReply {
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS));
  const bytes = Buffer.from(JSON.stringify(body));
  return reply.code(body.code).header('content-type', 'application/json').send(bytes);
}
