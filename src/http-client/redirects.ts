// Redirects of the origin: followed a few times, never from https to http, as the SDK key is in the path.
import { failed, type Failure } from '../domain/failure.js';
import type { RequestFailureReason } from './upstream-failure.js';
import type { UpstreamResponse } from './upstream-pool.js';

export const REDIRECTS_MAX = 3;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Where an answer sends us; undefined where it does not, a failure where we do not go. */
export function redirectTarget(
  response: UpstreamResponse,
  from: URL,
): URL | Failure<RequestFailureReason> | undefined {
  const { location } = response.headers;
  if (!REDIRECTS.includes(response.statusCode) || typeof location !== 'string') return undefined;
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isHttp = target?.protocol === 'http:' || target?.protocol === 'https:';
  if (target === undefined || !isHttp || (from.protocol === 'https:' && target.protocol === 'http:')) {
    return failed(
      'redirect_refused',
      `HTTP status ${response.statusCode} to an address that must not get the key`,
    );
  }
  return target;
}
