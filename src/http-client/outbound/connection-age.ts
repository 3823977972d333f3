// How long connections to origins are kept, over HTTP/1.1 and HTTP/2 alike.

/** An idle connection is closed by us before the 60 s after which load balancers commonly forget it. */
export const IDLE_CONNECTION_MS_MAX = 55_000;
/** A connection beyond those that are kept, once the rush that it was opened for is over; longer than most polls' interval. */
export const RUSH_IDLE_MS_MAX = 15_000;
/** Then the next request takes a new one, to wherever the host's name leads by now. */
export const CONNECTION_MS_MAX = 5 * 60_000;
