// A spec as it is held with another version: for rollbacks, which running SDKs take only where the version is a newer one.
import { createHash } from 'node:crypto';
import { runOneShot } from '../../../bodies/one-shot-thread.js';
import type { Clock } from '../../../domain/clock.js';
import { toEtag } from '../../../domain/etag.js';
import type { Payload } from '../../../domain/payload.js';
import type { RestateAnswer, RestateRequest } from './restate-thread.js';

/** For one body, which takes about a second for 10 MB. */
export const RESTATE_MS_MAX = 30_000;

/** As `ResourceKind.restate`. */
export async function restatedPayload(
  clock: Clock,
  payload: Payload,
  version: number,
): Promise<Payload | undefined> {
  const { format, originForm, namedValues } = payload;
  const { encoding } = originForm;
  const { bytes, identityBytes } = { bytes: originForm.bytes, identityBytes: payload.identityBytes };
  const request: RestateRequest = { format, encoding, bytes, identityBytes, time: version };
  const file = new URL('./restate-thread.js', import.meta.url);
  const answer = await runOneShot<RestateAnswer>(clock, file, request, RESTATE_MS_MAX).answer;
  if (answer === undefined) return undefined;
  const restated = Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.length);
  const etag = toEtag(createHash('sha256').update(restated));
  return {
    format,
    version,
    originForm: { encoding, bytes: restated, etag },
    identityBytes: answer.identityBytes,
    namedValues,
  };
}
