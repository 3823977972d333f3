// How long connections to origins are kept, over HTTP/1.1 and HTTP/2 alike.
import { jittered } from '../../domain/jitter.js';

/** A connection beyond those that are kept, once the rush that it was opened for is over; longer than most polls' interval. */
export const RUSH_IDLE_MS_MAX = 15_000;
const CONNECTION_MS_MAX = 5 * 60_000;

/** After it the next request takes a new connection, to wherever the host's name leads by now. */
export function connectionAgeMs(): number {
  return jittered(CONNECTION_MS_MAX);
}
