// Clients that poll over HTTP once a second, each on a connection of its own, and how long their answers took.
import { Agent, request as ask } from 'node:http';
import { answerParent } from './answer-parent.js';

const options = JSON.parse(process.argv[2] ?? '{}') as { readonly url: string; readonly pollers: number };
const INTERVAL_MS = 1_000;
const agent = new Agent({ keepAlive: true });
let tookMs: number[] = [];

/** From the request to the last byte of its answer. */
function poll(sinceTime: string): void {
  const startMs = performance.now();
  const asked = ask(
    `${options.url}?sinceTime=${sinceTime}`,
    { agent, headers: { 'accept-encoding': 'gzip' } },
    (response) => {
      response.resume();
      response.once('end', () => {
        tookMs.push(performance.now() - startMs);
        const held = response.headers['x-since-time'] ?? sinceTime;
        setTimeout(() => {
          poll(String(held));
        }, INTERVAL_MS);
      });
    },
  );
  asked.end();
}

for (let index = 0; index < options.pollers; index += 1) {
  setTimeout(
    () => {
      poll('0');
    },
    (index * INTERVAL_MS) / options.pollers,
  );
}
answerParent({ url: '' }, () => {
  const sorted = tookMs.sort((left, right) => left - right);
  tookMs = [];
  return { kind: 'polled', answers: sorted.length, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? NaN };
});
