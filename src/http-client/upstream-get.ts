// A GET of an origin to its answer: sent once more where a connection was lost, redirects followed.
import type { Failure } from '../domain/failure.js';
import type { RequestFailureReason } from './upstream-failure.js';
import { discard, onceMore } from './exchange.js';
import { redirectTarget, REDIRECTS_MAX } from './redirects.js';
import type { UpstreamPool, UpstreamResponse } from './upstream-pool.js';
import type { RequestSignal } from './request-signal.js';

export interface Answer {
  readonly response: UpstreamResponse;
  /** The URL that answered, after redirects. */
  readonly from: URL;
}

/** The first answer that sends us nowhere else, its body to be read or discarded. Rejects as the pool does. */
export async function getFollowingRedirects(
  pool: Pick<UpstreamPool, 'get'>,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: RequestSignal,
): Promise<Answer | Failure<RequestFailureReason>> {
  let from = url;
  for (let redirects = 0; ; redirects += 1) {
    const asked = from;
    const response = await onceMore(() => pool.get(asked, headers, signal));
    const target = redirects < REDIRECTS_MAX ? redirectTarget(response, asked) : undefined;
    if (target === undefined) return { response, from: asked };
    await discard(response);
    if ('kind' in target) return target;
    from = target;
  }
}
