// One exchange with a service of Google: an answer of text within limits, or why there is none.
import type { Clock } from '../../domain/clock.js';
import { failed, type Failure } from '../../domain/failure.js';
import { answerInTime } from '../../http-client/answer-in-time.js';
import { onceMore, readWhole } from '../../http-client/exchange.js';
import { closedError } from '../../http-client/outbound/outbound-agent.js';
import { onAbort } from '../../http-client/request-signal.js';
import type { UpstreamPool, UpstreamResponse } from '../../http-client/upstream-pool.js';

/** A token, a profile's name, an error: all are smaller. */
const ANSWER_BYTES_MAX = 256 * 1024;
const WORDS_CHARACTERS_MAX = 300;

/** Why nothing was sent, besides what can happen to any request. Stable and machine-readable. */
export type GoogleFailureReason = 'no_metadata' | 'no_project' | 'credentials_unusable' | 'answer_unusable';

export interface GoogleRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Of anything but GET. */
  readonly body?: string;
  readonly timeoutMs: number;
}

export interface GoogleAnswer {
  readonly status: number;
  readonly headers: UpstreamResponse['headers'];
  readonly text: string;
}

/** Never rejects. `signal` breaks the request off, which is then a failure like any other. */
export async function callGoogle(
  clock: Clock,
  pool: UpstreamPool,
  { method, url, headers, body = '', timeoutMs }: GoogleRequest,
  signal: AbortSignal,
): Promise<GoogleAnswer | Failure> {
  return await answerInTime<GoogleAnswer | Failure>(clock, pool, timeoutMs, async (ended) => {
    const stopListening = onAbort(signal, () => {
      ended.abort(closedError());
    });
    if (signal.aborted) ended.abort(closedError());
    try {
      const bytes = Buffer.from(body);
      const all = { 'accept-encoding': 'identity', ...headers };
      const response = await onceMore(() => {
        if (method === 'GET') return pool.get(url, all, ended);
        return method === 'POST' ? pool.post(url, all, bytes, ended) : pool.patch(url, all, bytes, ended);
      });
      const whole = await readWhole(response, ANSWER_BYTES_MAX);
      if ('kind' in whole) return whole;
      return { status: response.statusCode, headers: response.headers, text: whole.toString() };
    } finally {
      stopListening();
    }
  });
}

/** An answer other than 200, with the words that Google's errors have for people: they name what is to be switched on or allowed. */
export function refusalOf({ status, text }: GoogleAnswer): Failure {
  const { error, error_description: described } = membersOf(text);
  const { message } = membersOf(error);
  const said = [message, described, error].find((words) => typeof words === 'string') ?? '';
  const words = said.replace(/[^\x20-\x7e]+/g, ' ').slice(0, WORDS_CHARACTERS_MAX);
  return failed(`status_${status}`, words === '' ? `HTTP status ${status}` : words);
}

/** Of a JSON object, or of its text; none where it is something else. */
export function membersOf(json: unknown): Readonly<Record<string, unknown>> {
  const value = typeof json === 'string' ? parsed(json) : json;
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A page of something in between, which has no member that anybody looks for.
    return undefined;
  }
}
