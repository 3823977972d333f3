// Asks an origin for what is new of many keys with undici alone, at an even pace, one by one or several at a time, and reads the answers.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { answerParent } from './answer-parent.js';

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly origin: string;
  readonly keys: number;
  /** Between two requests, on average. */
  readonly gapMs: number;
  /** How many are sent at one time. */
  readonly together: number;
  readonly isH2: boolean;
  readonly caPem: string;
};
const { origin, keys, gapMs, together, isH2, caPem } = options;
const connect = { ca: caPem };
const agent = isH2
  ? new Agent({ allowH2: true, connections: 1, pipelining: 100, connect })
  : new Agent({ connections: 10 + together });
const SINCE_TIME = 1_700_000_000_000;

async function ask(index: number): Promise<void> {
  const path = `/v1/download_config_specs/secret-bench-${index % keys}.json?sinceTime=${SINCE_TIME}`;
  const { body } = await agent.request({ origin, path, method: 'GET' });
  await body.text();
}

answerParent({ url: '' });
const startMs = performance.now();
for (let from = 0; ; from += together) {
  const waitMs = startMs + from * gapMs - performance.now();
  if (waitMs > 0) await pause(waitMs);
  await Promise.all(Array.from({ length: together }, (_none, index) => ask(from + index)));
}
