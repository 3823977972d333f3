// Cloud Profiler's API (v2): asks which profile is due, which may take an hour, and delivers it.
import type { Clock } from '../../domain/clock.js';
import { failed, type Failure } from '../../domain/failure.js';
import { parseRetryAfterMs } from '../../http-client/retry-after.js';
import type { UpstreamPool } from '../../http-client/upstream-pool.js';
import type { ProfileKind } from '../collector.js';
import type { KeptToken } from './access-token.js';
import { callGoogle, membersOf, refusalOf, type GoogleAnswer, type GoogleRequest } from './google-call.js';

/** The service answers when a profile is due: after a minute mostly, and within an hour. */
export const CREATE_MS_MAX = 3_600_000;
export const UPLOAD_MS_MAX = 60_000;

/** Which profiles are alike for the service. */
export interface Deployment {
  readonly projectId: string;
  /** What the service calls this program. */
  readonly target: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A profile that is due. */
export interface DueProfile {
  readonly kind: ProfileKind;
  readonly durationMs: number;
  /** What the service said of it, to be sent back with it. */
  readonly stated: Readonly<Record<string, unknown>>;
}

const KINDS: Readonly<Record<string, ProfileKind>> = { WALL: 'wall', HEAP: 'heap' };
/** It becomes part of a path. */
const NAME = /^projects\/[\w.:-]+\/profiles\/[\w.-]+$/;

export class ProfilerApi {
  readonly #clock: Clock;
  readonly #pool: UpstreamPool;
  readonly #token: KeptToken;
  readonly #endpoint: URL;

  constructor(clock: Clock, pool: UpstreamPool, token: KeptToken, endpoint: URL) {
    this.#clock = clock;
    this.#pool = pool;
    this.#token = token;
    this.#endpoint = endpoint;
  }

  /** Never rejects. `retryAfterMs` of a failure is how long the service wants to be left alone. */
  async create(deployment: Deployment, signal: AbortSignal): Promise<DueProfile | Failure> {
    const answer = await this.#send(
      'POST',
      `projects/${deployment.projectId}/profiles`,
      { deployment, profileType: Object.keys(KINDS) },
      CREATE_MS_MAX,
      signal,
    );
    return 'kind' in answer ? answer : readDue(answer.text);
  }

  /** Undefined where it was taken; never rejects. */
  async upload(
    { stated }: DueProfile,
    profile: Buffer,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const body = { ...stated, labels, profileBytes: profile.toString('base64') };
    const answer = await this.#send('PATCH', String(stated['name']), body, UPLOAD_MS_MAX, signal);
    return 'kind' in answer ? answer : undefined;
  }

  /** An answer with status 200. */
  async #send(
    method: GoogleRequest['method'],
    path: string,
    body: object,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<GoogleAnswer | Failure> {
    const token = await this.#token.get(signal);
    if (typeof token !== 'string') return token;
    const url = new URL(`v2/${path}`, this.#endpoint);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const request = { method, url, headers, body: JSON.stringify(body), timeoutMs };
    const answer = await callGoogle(this.#clock, this.#pool, request, signal);
    if ('kind' in answer || answer.status === 200) return answer;
    if (answer.status === 401) this.#token.forget();
    const { reason, detail } = refusalOf(answer);
    return failed(reason, detail, this.#waitOf(answer));
  }

  /** Google's errors say in `RetryInfo` how long to wait; a balancer in front of it says so in a header. */
  #waitOf({ text, headers }: GoogleAnswer): number | undefined {
    const { details } = membersOf(membersOf(text)['error']);
    const delays = Array.isArray(details)
      ? details.map((each) => durationMs(membersOf(each)['retryDelay']))
      : [];
    return (
      delays.find((delayMs) => delayMs !== undefined) ??
      parseRetryAfterMs(String(headers['retry-after'] ?? ''), this.#clock.nowMs())
    );
  }
}

function readDue(text: string): DueProfile | Failure {
  const stated = membersOf(text);
  const { name, profileType, duration } = stated;
  const kind = KINDS[String(profileType)];
  // A heap profile is of one moment.
  const forMs = durationMs(duration) ?? (kind === 'heap' ? 0 : undefined);
  if (typeof name !== 'string' || !NAME.test(name) || kind === undefined || forMs === undefined) {
    return failed(
      'answer_unusable',
      'the answer names no profile of a kind and duration that can be collected',
    );
  }
  return { kind, durationMs: forMs, stated };
}

/** As protobuf's JSON has it: `10s`, `0.5s`. */
function durationMs(text: unknown): number | undefined {
  const [, seconds] = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(typeof text === 'string' ? text : '') ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
