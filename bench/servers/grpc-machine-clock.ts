// A clock that all processes of one machine share: the time of an event in one may be taken from that of an event in another.

/** Milliseconds since the machine started. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
