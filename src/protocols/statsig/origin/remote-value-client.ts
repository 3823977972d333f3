// Remote values from the origin: one GET by the hash, and only bytes with that hash come out.
import type { Clock } from '../../../domain/clock.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { failed, type Failure } from '../../../domain/failure.js';
import type { FetchOutcome, Origin } from '../../../core/origin.js';
import { takeInBody } from '../../../bodies/body-intake.js';
import { answerInTime } from '../../../http-client/answer-in-time.js';
import { discard } from '../../../http-client/exchange.js';
import { getFollowingRedirects } from '../../../http-client/upstream-get.js';
import { UpstreamPool } from '../../../http-client/upstream-pool.js';
import { createDigestReader } from '../remote-values/value-digest.js';
import { VALUE_BYTES_MAX, VALUE_VERSION } from '../remote-values/value-kind.js';
import type { UpstreamOptions } from './upstream-client.js';
import { announcedBytes, failedStatus } from '../../../http-client/answer-status.js';
import { encodingOf, failedEncoding } from './upstream-response.js';
import type { RequestSignal } from '../../../http-client/request-signal.js';

/** What a compression that does not help may add. */
const LIMITS = { encodedBytesMax: VALUE_BYTES_MAX + 65_536, decodedBytesMax: VALUE_BYTES_MAX };

/** The bytes that came have another hash: another value, a part of one, or the page of something in between. */
export type RemoteValueFailureReason = 'digest_differs';

/** Why the origin has no such value, in the words of `failedStatus`. */
export const NO_SUCH_VALUE: readonly string[] = ['status_404', 'status_410'];

/**
 * To be asked for remote values only; the key of the payload is a hash, the only part of a client's request that gets into
 * the URL. `sdkKeyFor`: whose spec names the value; that SDK key is sent along as SDKs do, to the endpoint itself only.
 */
export function createRemoteValueClient(
  clock: Clock,
  options: Omit<UpstreamOptions, 'bodyLimits'>,
  sdkKeyFor: (sha256: string) => string | undefined,
): Origin {
  const pool = new UpstreamPool(clock, options);
  const base = options.endpoint.href.replace(/\/+$/, '');

  async function ask(key: PayloadKey, signal: RequestSignal): Promise<FetchOutcome> {
    const sdkKey = sdkKeyFor(key.sdkKey);
    const headers = {
      'accept-encoding': 'br, gzip',
      'user-agent': `spec-forward-proxy/${options.version}`,
      'x-sfp-version': options.version,
      via: options.path.via,
    };
    const withKey = sdkKey === undefined ? headers : { ...headers, 'statsig-api-key': sdkKey };
    const keyed: Pick<UpstreamPool, 'get'> = {
      get: (url, _headers, aborted) =>
        pool.get(url, url.origin === options.endpoint.origin ? withKey : headers, aborted),
    };
    const url = new URL(`${base}${key.kind.path}/${key.sdkKey}`);
    const answer = await getFollowingRedirects(keyed, url, headers, signal);
    if ('kind' in answer) return answer;
    const { statusCode, headers: told, body } = answer.response;
    const encoding = encodingOf(told);
    if (statusCode !== 200 || encoding === undefined) {
      await discard(answer.response);
      return statusCode === 200 ? failedEncoding(told) : failedStatus(statusCode, told, clock.nowMs());
    }
    const taken = await takeInBody(body, encoding, createDigestReader(), LIMITS, announcedBytes(told));
    if (taken.facts !== key.sdkKey) return differs(taken.facts);
    const { form: originForm, identityBytes } = taken;
    const payload = { format: 'json', version: VALUE_VERSION, originForm, identityBytes } as const;
    return { kind: 'updated', payload };
  }

  return {
    fetch: (key) => answerInTime(clock, pool, options.requestTimeoutMs, (signal) => ask(key, signal)),
    close: () => pool.close(),
  };
}

function differs(sha256: string): Failure<RemoteValueFailureReason> {
  return failed('digest_differs', `the body's SHA-256 is ${sha256}`);
}
