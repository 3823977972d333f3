// Shares the event loop's turns between what streams write and everything else: an update for thousands of them holds up nobody.

/** Begun in one turn. A slice of 32 KiB takes about 40 µs of CPU to write. */
export const WRITES_A_TURN_MAX = 64;

/** One list, as the process has one event loop. In the order in which they came. */
let waiting: (() => void)[] = [];

/** Runs `write` in one of the next turns. */
export function inTurn(write: () => void): void {
  waiting.push(write);
  if (waiting.length === 1) setImmediate(run);
}

function run(): void {
  const now = waiting;
  // What they ask for in turn comes after those that wait already.
  waiting = now.slice(WRITES_A_TURN_MAX);
  if (waiting.length > 0) setImmediate(run);
  for (const write of now.slice(0, WRITES_A_TURN_MAX)) write();
}
