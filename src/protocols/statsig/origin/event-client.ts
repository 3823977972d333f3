// Log events to their origin over HTTP: one POST, one outcome, within a time limit, whatever the network does.
import type { Clock } from '../../../domain/clock.js';
import { maskSdkKeysIn } from '../../../domain/sdk-key.js';
import type { DeliveryOutcome, EventDelivery, EventOrigin } from './event-origin.js';
import { failed } from '../../../domain/failure.js';
import { answerInTime } from '../../../http-client/answer-in-time.js';
import { readStart } from '../../../http-client/exchange.js';
import { foreignAnswer, isForeignAnswer } from '../../../http-client/foreign-answer.js';
import { parseRetryAfterMs } from '../../../http-client/retry-after.js';
import type { ProxyPath } from '../proxy-path.js';
import {
  UpstreamPool,
  type UpstreamPoolOptions,
  type UpstreamResponse,
} from '../../../http-client/upstream-pool.js';
import type { RequestSignal } from '../../../http-client/request-signal.js';

const LOG_EVENT_PATH = '/v1/log_event';
/** Of an answer's body: what is shown to people. */
const SHOWN_CHARACTERS_MAX = 200;
/** Of the statuses from 400 to 499 these say "later" or "not here"; every other one but 401 and 403 says "never". */
const LATER_STATUSES: readonly number[] = [407, 408, 421, 425, 429];
/** A gateway whose backend is gone says it too, and so does an origin while it is being rolled out. */
const NOT_FOUND = 404;

export interface EventClientOptions extends UpstreamPoolOptions {
  /** Scheme, host and port, with a path prefix where the origin stands under one. */
  readonly endpoint: URL;
  readonly requestTimeoutMs: number;
  /** Our own version, told to the origin. */
  readonly version: string;
  /** The way to the origin. */
  readonly path: ProxyPath;
}

export function createEventClient(clock: Clock, options: EventClientOptions): EventOrigin {
  const pool = new UpstreamPool(clock, options);
  const base = options.endpoint.href.replace(/\/+$/, '') + LOG_EVENT_PATH;

  async function send(delivery: EventDelivery, signal: RequestSignal): Promise<DeliveryOutcome> {
    const headers = {
      'user-agent': `spec-forward-proxy/${options.version}`,
      'x-sfp-version': options.version,
      ...delivery.headers,
      'statsig-api-key': delivery.sdkKey,
      'x-sfp-batch-id': delivery.batchId,
      via: options.path.via,
    };
    const response = await pool.post(new URL(base + delivery.query), headers, delivery.body, signal);
    return await judge(clock, response, delivery.sdkKey);
  }

  return {
    deliver: (delivery) =>
      answerInTime(clock, pool, options.requestTimeoutMs, (signal) => send(delivery, signal)),
    close: () => pool.close(),
  };
}

/** By status, once it is plain that the origin speaks: what it says in words decides nothing. */
async function judge(clock: Clock, response: UpstreamResponse, sdkKey: string): Promise<DeliveryOutcome> {
  const { statusCode: status, headers } = response;
  const text = await readStart(clock, response);
  const isForeign = isForeignAnswer(headers, text);
  const isTaken = status >= 200 && status <= 299;
  if (isTaken || status === 401 || status === 403) {
    if (isForeign) return foreignAnswer(status);
    return isTaken ? { kind: 'taken' } : { kind: 'refused', status };
  }
  if (status >= 400 && status <= 499 && !LATER_STATUSES.includes(status)) {
    const detail = maskSdkKeysIn(text, sdkKey).slice(0, SHOWN_CHARACTERS_MAX);
    return { kind: 'rejected', status, detail, isDoubtful: isForeign || status === NOT_FOUND };
  }
  return failed(`status_${status}`, `HTTP status ${status}`, retryAfterMs(headers, clock.nowMs()));
}

function retryAfterMs(headers: UpstreamResponse['headers'], nowMs: number): number | undefined {
  const retryAfter = headers['retry-after'];
  return parseRetryAfterMs(typeof retryAfter === 'string' ? retryAfter : '', nowMs);
}
