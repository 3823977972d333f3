// Fetches the JSON Web Key Set of an issuer: one GET, one outcome, within limits of time and size.
import type { Clock } from '../domain/clock.js';
import { failed, type Failure } from '../domain/failure.js';
import { answerInTime } from '../http-client/answer-in-time.js';
import { discard, readWhole } from '../http-client/exchange.js';
import { getFollowingRedirects } from '../http-client/upstream-get.js';
import { UpstreamPool, type UpstreamPoolOptions } from '../http-client/upstream-pool.js';
import { readKeySet, type KeySet } from './key-set.js';
import type { FetchKeys } from './remote-keys.js';
import type { RequestSignal } from '../http-client/request-signal.js';

/** A request with a token of a new key waits for it. */
export const KEYS_MS_MAX = 5_000;
/** A hundred keys with their certificates are smaller. */
export const KEYS_BYTES_MAX = 1024 * 1024;

export interface KeysClientOptions extends UpstreamPoolOptions {
  readonly url: URL;
  /** Our own version, told to the issuer. */
  readonly version: string;
}

export interface KeysClient {
  readonly fetch: FetchKeys;
  close(): Promise<void>;
}

export function createKeysClient(clock: Clock, options: KeysClientOptions): KeysClient {
  const pool = new UpstreamPool(clock, options);
  const headers = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': `spec-forward-proxy/${options.version}`,
  };

  async function ask(signal: RequestSignal): Promise<KeySet | Failure> {
    const answer = await getFollowingRedirects(pool, options.url, headers, signal);
    if ('kind' in answer) return answer;
    const { response } = answer;
    if (response.statusCode !== 200) {
      await discard(response);
      return failed(`status_${response.statusCode}`, `HTTP status ${response.statusCode}`);
    }
    const body = await readWhole(response, KEYS_BYTES_MAX);
    if ('kind' in body) return body;
    const keys = readKeySet(body.toString());
    return typeof keys === 'string' ? failed('no_token_keys', `the answer ${keys}`) : keys;
  }

  return {
    fetch: () => answerInTime<KeySet | Failure>(clock, pool, KEYS_MS_MAX, ask),
    close: () => pool.close(),
  };
}
