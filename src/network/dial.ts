// A TCP connection to whichever address of a host answers first (RFC 8305): no attempt is given up for the next one.
import { connect, isIP, type Socket } from 'node:net';
import type { Cancel, Clock } from '../domain/clock.js';
import type { Lookup } from './addresses.js';

/**
 * After this long without an answer the next address is tried as well. `node:net` abandons an attempt at that moment, so
 * that hosts that are further away than this, or drop the first packet, could not be reached by any but the last address.
 */
const NEXT_ATTEMPT_MS = 250;

/** Rejects with the attempts' error, or an AggregateError of them; and when `signal` aborts. */
export async function dial(
  clock: Clock,
  host: string,
  port: number,
  signal: AbortSignal,
  lookup: Lookup,
): Promise<Socket> {
  const addresses = isIP(host) > 0 ? [host] : await lookup(host);
  signal.throwIfAborted();
  return await new Promise((connected, failed) => {
    const attempts = new Set<Socket>();
    const errors: Error[] = [];
    let next = 0;
    let cancelNext: Cancel = () => undefined;

    const finish = (): void => {
      cancelNext();
      signal.removeEventListener('abort', giveUp);
      for (const attempt of attempts) attempt.destroy();
    };
    const giveUp = (): void => {
      finish();
      failed(new Error('given up', { cause: signal.reason }));
    };
    const tryNext = (): void => {
      cancelNext();
      const address = addresses[next];
      if (address === undefined) return;
      next += 1;
      const socket = connect({ host: address, port, noDelay: true });
      attempts.add(socket);
      socket.once('connect', () => {
        attempts.delete(socket);
        socket.off('error', lose);
        finish();
        connected(socket);
      });
      const lose = (error: Error): void => {
        attempts.delete(socket);
        errors.push(error);
        if (next < addresses.length) tryNext();
        else if (attempts.size === 0) {
          finish();
          failed(errors.length === 1 ? error : new AggregateError(errors, 'no address could be reached'));
        }
      };
      socket.on('error', lose);
      cancelNext = clock.schedule(NEXT_ATTEMPT_MS, tryNext);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    tryNext();
  });
}
