// What takes no longer than a setting says, whatever limits of their own the libraries below have.
import type { Clock } from '../domain/clock.js';

/**
 * What `run` comes to; rejects with `late()` after `limitMs`, and with the reason of `closing` when that aborts. The signal
 * that `run` gets aborts in both cases: it has to give up then, and to dispose of what it has.
 */
export async function within<Result>(
  clock: Clock,
  limitMs: number,
  late: () => Error,
  closing: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  closing?.throwIfAborted();
  const abort = new AbortController();
  const end = new Promise<never>((_resolve, reject) => {
    abort.signal.addEventListener('abort', () => {
      reject(abort.signal.reason as Error);
    });
  });
  const close = (): void => {
    abort.abort(closing?.reason);
  };
  closing?.addEventListener('abort', close, { once: true });
  const cancel = clock.schedule(limitMs, () => {
    abort.abort(late());
  });
  try {
    return await Promise.race([run(abort.signal), end]);
  } finally {
    cancel();
    closing?.removeEventListener('abort', close);
  }
}
