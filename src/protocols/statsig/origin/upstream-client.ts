// The origin over HTTP: one request in, one outcome out, within time and size limits, whatever the network does.
import type { Clock } from '../../../domain/clock.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { Encoding } from '../../../domain/payload.js';
import { failed } from '../../../domain/failure.js';
import type { FetchOutcome, Origin } from '../../../core/origin.js';
import { takeInBody, type BodyLimits } from '../../../bodies/body-intake.js';
import { createSpecReader } from '../spec-body/spec-reader.js';
import { announcedBytes } from '../../../http-client/answer-status.js';
import { answerInTime } from '../../../http-client/answer-in-time.js';
import { discard, readSmall } from '../../../http-client/exchange.js';
import { getFollowingRedirects, type Answer } from '../../../http-client/upstream-get.js';
import { UpstreamPool, type UpstreamPoolOptions } from '../../../http-client/upstream-pool.js';
import { judgeRefusal } from '../../../http-client/foreign-answer.js';
import { toUpstreamRequest } from './upstream-request.js';
import { withAge } from './relayed-answer.js';
import { judgeBody, judgeHead, nothingNew } from './upstream-response.js';
import { NO_UPDATES } from '../no-updates.js';
import type { ProxyPath } from '../proxy-path.js';
import type { RequestSignal } from '../../../http-client/request-signal.js';

const NO_UPDATES_BYTES = Buffer.from(NO_UPDATES);

export interface UpstreamOptions extends UpstreamPoolOptions {
  /** Scheme, host and port, with a path prefix where the origin stands under one. */
  readonly endpoint: URL;
  readonly requestTimeoutMs: number;
  readonly bodyLimits: BodyLimits;
  /** Our own version, told to the origin. */
  readonly version: string;
  /** The way to the origin. */
  readonly path: ProxyPath;
}

export function createUpstreamClient(clock: Clock, options: UpstreamOptions): Origin {
  const pool = new UpstreamPool(clock, options);
  const base = options.endpoint.href.replace(/\/+$/, '');

  async function ask(
    key: PayloadKey,
    sinceTime: number,
    wanted: Encoding | undefined,
    signal: RequestSignal,
  ): Promise<FetchOutcome> {
    // It changes with the proxies that turn up in front.
    const sender = { version: options.version, via: options.path.via };
    const { path, headers } = toUpstreamRequest(key, sinceTime, sender, wanted);
    const url = new URL(base + path);
    const answer = await getFollowingRedirects(pool, url, headers, signal);
    if ('kind' in answer) return answer;
    return await judge(key, sinceTime, answer);
  }

  async function judge(
    key: PayloadKey,
    sinceTime: number,
    { response, from }: Answer,
  ): Promise<FetchOutcome> {
    const plan = judgeHead(key, response.statusCode, response.headers, clock.nowMs());
    if (plan.kind === 'unauthorized') {
      // Only the origin itself can refuse a key, not where it sent us.
      if (from.host === options.endpoint.host) return await judgeRefusal(clock, response);
      await discard(response);
      return failed(`status_${plan.status}`, `HTTP status ${plan.status} of a redirect's target`);
    }
    if (plan.kind !== 'read-body') {
      await discard(response);
      return plan;
    }
    const { headers } = response;
    const small = plan.encoding === 'identity' ? await readSmall(response) : undefined;
    // What nearly every poll brings: recognized as it stands, it needs neither parsing nor hashing.
    if (small !== undefined && NO_UPDATES_BYTES.equals(small)) return withAge(nothingNew(sinceTime), headers);
    const reader = createSpecReader(plan.format, options.bodyLimits.decodedBytesMax);
    const pieces = small === undefined ? response.body : [small];
    const announced = announcedBytes(headers);
    const body = await takeInBody(pieces, plan.encoding, reader, options.bodyLimits, announced);
    return withAge(judgeBody(plan, body, sinceTime), headers);
  }

  return {
    fetch: (key, sinceTime, wanted) =>
      answerInTime(clock, pool, options.requestTimeoutMs, (signal) => ask(key, sinceTime, wanted, signal)),
    close: () => pool.close(),
  };
}
