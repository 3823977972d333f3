// Loaded before the program: tells the worst delay of its event loop since the last time, as a log line, when SIGUSR2 comes.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
let turn = 0;
process.on('SIGUSR2', () => {
  const worstMs = Math.max(0, delay.max / NS_PER_MS - RESOLUTION_MS);
  delay.reset();
  turn += 1;
  process.stdout.write(`${JSON.stringify({ msg: 'worst delay', turn, worstMs })}\n`);
});
