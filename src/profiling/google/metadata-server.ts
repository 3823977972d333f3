// The metadata server of Google's machines: which project and zone this is, and tokens of the machine's service account.
import type { Clock } from '../../domain/clock.js';
import { failed, type Failure } from '../../domain/failure.js';
import type { UpstreamPool } from '../../http-client/upstream-pool.js';
import { callGoogle } from './google-call.js';

/** It is on the same machine; elsewhere its address leads nowhere. */
export const METADATA_MS_MAX = 3_000;
/** Of requests and of answers: a page of something else does not have it. */
const FLAVOR = 'Google';

export class MetadataServer {
  readonly #clock: Clock;
  readonly #pool: UpstreamPool;
  readonly #host: string;

  /** `pool`: without an outbound proxy, which would answer for its own machine. */
  constructor(clock: Clock, pool: UpstreamPool, host: string) {
    this.#clock = clock;
    this.#pool = pool;
    this.#host = host;
  }

  /** A value by its path, such as `instance/zone`; never rejects. */
  async get(path: string, signal: AbortSignal): Promise<string | Failure> {
    const url = new URL(`http://${this.#host}/computeMetadata/v1/${path}`);
    const headers = { 'metadata-flavor': FLAVOR };
    const request = { method: 'GET', url, headers, timeoutMs: METADATA_MS_MAX } as const;
    const answer = await callGoogle(this.#clock, this.#pool, request, signal);
    if ('kind' in answer) return this.#lacks(`${answer.reason}: ${answer.detail}`);
    const { status, headers: given, text } = answer;
    if (given['metadata-flavor'] !== FLAVOR) return this.#lacks('something else answers there');
    return status === 200 ? text : this.#lacks(`HTTP status ${status} for ${path}`);
  }

  #lacks(what: string): Failure {
    return failed('no_metadata', `metadata server ${this.#host}: ${what}`);
  }
}
