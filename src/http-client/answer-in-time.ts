// One request to an origin, with an end: an outcome within its time, whatever the network does.
import type { Cancel, Clock } from '../domain/clock.js';
import { failed, type Failure } from '../domain/failure.js';
import { RequestSignal } from './request-signal.js';
import { toFailure, type RequestFailureReason } from './upstream-failure.js';
import type { UpstreamPool } from './upstream-pool.js';

const TIMEOUTS: readonly RequestFailureReason[] = ['headers_timeout', 'body_timeout', 'request_timeout'];

/**
 * What `ask` comes to, or how it failed; never rejects. After a timeout the pool's connections are renewed, as the one
 * that was used may be dead. The signal of `ask` aborts when the answer is no longer awaited, or the pool is closed.
 */
export async function answerInTime<Outcome>(
  clock: Clock,
  pool: Pick<UpstreamPool, 'distrust' | 'track'>,
  timeoutMs: number,
  ask: (signal: RequestSignal) => Promise<Outcome>,
): Promise<Outcome | Failure<RequestFailureReason>> {
  const signal = new RequestSignal();
  const untrack = pool.track(signal);
  let cancelTimeout: Cancel = () => undefined;
  try {
    return await new Promise<Outcome | Failure<RequestFailureReason>>((resolve, reject) => {
      // Of its own, as undici does not look at the signal while a request waits for its connection.
      cancelTimeout = clock.schedule(timeoutMs, () => {
        resolve(failed('request_timeout', `no whole answer within ${timeoutMs} ms`));
        signal.abort();
        pool.distrust();
      });
      ask(signal).then(resolve, reject);
    });
  } catch (error) {
    const failure = toFailure(error);
    if (TIMEOUTS.includes(failure.reason)) pool.distrust();
    return failure;
  } finally {
    cancelTimeout();
    untrack();
  }
}
