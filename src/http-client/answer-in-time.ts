// One request to an origin, with an end: an outcome within its time, whatever the network does.
import type { Cancel, Clock } from '../domain/clock.js';
import { failed, type Failure } from '../domain/failure.js';
import { toFailure, type RequestFailureReason } from './upstream-failure.js';
import type { UpstreamPool } from './upstream-pool.js';

const TIMEOUTS: readonly RequestFailureReason[] = ['headers_timeout', 'body_timeout', 'request_timeout'];

/**
 * What `ask` comes to, or how it failed; never rejects. After a timeout the pool's connections are renewed, as the one
 * that was used may be dead. The signal of `ask` aborts when the answer is no longer awaited.
 */
export async function answerInTime<Outcome>(
  clock: Clock,
  pool: Pick<UpstreamPool, 'distrust'>,
  timeoutMs: number,
  ask: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome | Failure<RequestFailureReason>> {
  const abort = new AbortController();
  let cancelTimeout: Cancel = () => undefined;
  // Of its own, as undici does not look at the signal while a request waits for its connection.
  const timeout = new Promise<Failure<RequestFailureReason>>((resolve) => {
    cancelTimeout = clock.schedule(timeoutMs, () => {
      resolve(failed('request_timeout', `no whole answer within ${timeoutMs} ms`));
      abort.abort();
      pool.distrust();
    });
  });
  const answer = ask(abort.signal).catch((error: unknown) => {
    const failure = toFailure(error);
    if (TIMEOUTS.includes(failure.reason)) pool.distrust();
    return failure;
  });
  const outcome = await Promise.race([answer, timeout]);
  cancelTimeout();
  return outcome;
}
