// What gives up one request. undici takes it beside an AbortSignal, which costs far more.
import { EventEmitter } from 'node:events';
import { errors } from './outbound/undici.js';

/**
 * Of one request, as an AbortController and its signal. Those are 20 of a bare request's 55 µs: they survive collections of
 * young garbage, and whatever hangs on them does too.
 */
export class RequestSignal extends EventEmitter<{ abort: [] }> {
  /** Names and meanings are undici's. */
  aborted = false;
  reason: Error | undefined;

  abort(reason: Error = new errors.RequestAbortedError()): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.emit('abort');
  }
}

/** Streams, which are few and last, have an AbortSignal. Returns what stops listening. */
export function onAbort(signal: AbortSignal | RequestSignal, listener: () => void): () => void {
  if (signal instanceof RequestSignal) {
    signal.once('abort', listener);
    return () => signal.off('abort', listener);
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => {
    signal.removeEventListener('abort', listener);
  };
}
