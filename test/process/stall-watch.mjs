// Loaded before the program: tells the worst delay of its event loop since the last time, as a log line, when SIGUSR2 comes.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const LOOK_EVERY_MS = 2;
const NS_PER_MS = 1e6;
/** Its first number is how long the main thread has run on a processor, in nanoseconds. */
const MAIN_THREAD = `/proc/self/task/${process.pid}/schedstat`;

function ranMs() {
  return Number(readFileSync(MAIN_THREAD, 'latin1').split(' ', 1)[0]) / NS_PER_MS;
}

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
let turn = 0;
let lastRanMs = ranMs();
/** The longest that the main thread ran without coming round: what it waited for a processor is not in it. */
let worstRunMs = 0;
setInterval(() => {
  const nowRanMs = ranMs();
  worstRunMs = Math.max(worstRunMs, nowRanMs - lastRanMs);
  lastRanMs = nowRanMs;
}, LOOK_EVERY_MS).unref();
process.on('SIGUSR2', () => {
  const worstMs = Math.max(0, delay.max / NS_PER_MS - RESOLUTION_MS);
  turn += 1;
  process.stdout.write(`${JSON.stringify({ msg: 'worst delay', turn, worstMs, worstRunMs })}\n`);
  delay.reset();
  worstRunMs = 0;
});
