// The origin over HTTP: one request in, one outcome out, within time and size limits, whatever the network does.
import type { Clock } from '../../domain/clock.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import { failed, type FetchOutcome, type Origin } from '../origin.js';
import { takeInBody, type BodyLimits } from '../spec-body/body-intake.js';
import { createJsonSpecReader } from '../spec-body/json-spec-reader.js';
import { createProtobufSpecReader } from '../spec-body/protobuf-spec-reader.js';
import { toFailure } from './upstream-failure.js';
import { UpstreamPool, type UpstreamPoolOptions, type UpstreamResponse } from './upstream-pool.js';
import { toUpstreamRequest } from './upstream-request.js';
import { judgeBody, judgeHead, type BodyPlan } from './upstream-response.js';

/** Bytes of an error's body that are read so that its connection can be used again. */
const ERROR_BODY_BYTES_MAX = 16_384;

export interface UpstreamOptions extends UpstreamPoolOptions {
  /** Scheme, host and port, with a path prefix where the origin stands under one. */
  readonly endpoint: URL;
  readonly requestTimeoutMs: number;
  readonly bodyLimits: BodyLimits;
  /** Our own version, told to the origin. */
  readonly version: string;
}

export function createUpstreamClient(clock: Clock, options: UpstreamOptions): Origin {
  const pool = new UpstreamPool(options);
  const pathPrefix = options.endpoint.pathname.replace(/\/+$/, '');

  async function ask(key: PayloadKey, sinceTime: number, signal: AbortSignal): Promise<FetchOutcome> {
    const { path, headers } = toUpstreamRequest(key, sinceTime, options.version);
    const response = await getOnceMore(() =>
      pool.get(options.endpoint.origin, pathPrefix + path, headers, signal),
    );
    const plan = judgeHead(key, response.statusCode, response.headers, clock.nowMs());
    if (plan.kind !== 'read-body') {
      await discard(response, signal);
      return plan;
    }
    const reader = createReader(plan, options.bodyLimits);
    const body = await takeInBody(response.body, plan.encoding, reader, options.bodyLimits);
    return judgeBody(plan, body, sinceTime);
  }

  return {
    fetch: (key, sinceTime) =>
      pool.track(async () => {
        const abort = new AbortController();
        const cancelTimeout = clock.schedule(options.requestTimeoutMs, () => {
          abort.abort();
        });
        try {
          return await ask(key, sinceTime, abort.signal);
        } catch (error) {
          if (!abort.signal.aborted) return toFailure(error);
          return failed('request_timeout', `no whole answer within ${options.requestTimeoutMs} ms`);
        } finally {
          cancelTimeout();
        }
      }),
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

function createReader(plan: BodyPlan, limits: BodyLimits): ReturnType<typeof createJsonSpecReader> {
  if (plan.format === 'json') return createJsonSpecReader();
  return createProtobufSpecReader({ envelopeBytesMax: limits.decodedBytesMax });
}
