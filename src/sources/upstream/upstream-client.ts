// The origin over HTTP: one request in, one outcome out, within time and size limits, whatever the network does.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { failed, type FetchOutcome, type Origin } from '../origin.js';
import { takeInBody, type BodyLimits } from '../spec-body/body-intake.js';
import { createSpecReader } from '../spec-body/spec-reader.js';
import { answerInTime } from './answer-in-time.js';
import { redirectTarget, REDIRECTS_MAX } from './redirects.js';
import { toFailure } from './upstream-failure.js';
import { UpstreamPool, type UpstreamPoolOptions, type UpstreamResponse } from './upstream-pool.js';
import { toUpstreamRequest } from './upstream-request.js';
import { judgeBody, judgeHead } from './upstream-response.js';

/** Bytes of an error's body that are read so that its connection can be used again. */
const ERROR_BODY_BYTES_MAX = 16_384;

export interface UpstreamOptions extends UpstreamPoolOptions {
  readonly requestTimeoutMs: number;
  readonly bodyLimits: BodyLimits;
  /** Our own version, told to the origin. */
  readonly version: string;
}

export function createUpstreamClient(clock: Clock, options: UpstreamOptions): Origin {
  const pool = new UpstreamPool(clock, options);
  const base = options.endpoint.href.replace(/\/+$/, '');

  async function ask(key: PayloadKey, sinceTime: number, signal: AbortSignal): Promise<FetchOutcome> {
    const { path, headers } = toUpstreamRequest(key, sinceTime, options.version);
    let url = new URL(base + path);
    for (let redirects = 0; ; redirects += 1) {
      const from = url;
      const response = await getOnceMore(() => pool.get(from, headers, signal));
      const target = redirects < REDIRECTS_MAX ? redirectTarget(response, from) : undefined;
      if (target === undefined) return await judge(key, sinceTime, response, from, signal);
      await discard(response, signal);
      if ('kind' in target) return target;
      url = target;
    }
  }

  async function judge(
    key: PayloadKey,
    sinceTime: number,
    response: UpstreamResponse,
    from: URL,
    signal: AbortSignal,
  ): Promise<FetchOutcome> {
    const plan = judgeHead(key, response.statusCode, response.headers, clock.nowMs());
    if (plan.kind !== 'read-body') {
      await discard(response, signal);
      // Only the origin itself can refuse a key, not where it sent us.
      if (plan.kind !== 'unauthorized' || from.host === options.endpoint.host) return plan;
      return failed(`status_${plan.status}`, `HTTP status ${plan.status} of a redirect's target`);
    }
    const reader = createSpecReader(plan.format, options.bodyLimits);
    const body = await takeInBody(response.body, plan.encoding, reader, options.bodyLimits);
    return judgeBody(plan, body, sinceTime);
  }

  return {
    fetch: (key, sinceTime) =>
      answerInTime(clock, pool, options.requestTimeoutMs, (signal) => ask(key, sinceTime, signal)),
    close: () => pool.close(),
  };
}

/**
 * Asks a second time, at once, where the connection broke before an answer began: mostly a kept connection that the
 * other side closed in the same moment, which says nothing about the origin.
 */
async function getOnceMore(get: () => Promise<UpstreamResponse>): Promise<UpstreamResponse> {
  try {
    return await get();
  } catch (error) {
    if (toFailure(error).reason !== 'connection_lost') throw error;
    return await get();
  }
}

/** Reads an unwanted body to its end, so that its connection can be used again. */
async function discard(response: UpstreamResponse, signal: AbortSignal): Promise<void> {
  try {
    await response.body.dump({ limit: ERROR_BODY_BYTES_MAX, signal });
  } catch {
    // The status has decided already: a body that breaks off or stalls costs its connection and nothing else.
  }
}
