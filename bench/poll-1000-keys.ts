// CPU time and memory of polling 1 000 keys for a round, beside undici asking the same questions and reading the answers.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { startChildServer } from './child-server.js';

const KEYS = 1_000;
const INTERVAL_S = 10;
const ROUNDS = 3;

export async function poll1000Keys(): Promise<void> {
  const origin = await startChildServer('./servers/origin-server.ts', { fillerGates: 100, encoding: 'br' });
  const args = ['-p', String(INTERVAL_S), '-m', String(KEYS)];
  const proxy = await startChildServer('./servers/proxy-server.ts', { origin: origin.url, args });
  const empty = await proxy.usage();
  for (let index = 0; index < KEYS; index += 1) {
    const response = await fetch(`${proxy.url}/v1/download_config_specs/secret-bench-${index}.json`);
    await response.arrayBuffer();
  }
  await pause(INTERVAL_S * 1000);
  const before = {
    ...(await proxy.usage()),
    requests: Number((await origin.ask({ kind: 'count' }))['requests']),
  };
  await pause(INTERVAL_S * 1000 * ROUNDS);
  const after = {
    ...(await proxy.usage()),
    requests: Number((await origin.ask({ kind: 'count' }))['requests']),
  };
  await proxy.stop();

  const polls = after.requests - before.requests;
  const proxyUs = ((after.cpuMs - before.cpuMs) * 1000) / polls;
  const undiciUs = await undiciUsPerRequest(origin.url);
  await origin.stop();
  console.log(`  polls per round of ${INTERVAL_S} s: ${(polls / ROUNDS).toFixed(0)} for ${KEYS} keys`);
  console.log(`  CPU per round: ${((after.cpuMs - before.cpuMs) / ROUNDS / 1000).toFixed(3)} s`);
  console.log(
    `  CPU per poll: ${proxyUs.toFixed(0)} µs, undici alone ${undiciUs.toFixed(0)} µs: ratio ${(proxyUs / undiciUs).toFixed(2)}`,
  );
  console.log(
    `  memory: ${toMb(empty.rssBytes)} MB before, ${toMb(after.rssBytes)} MB with ${KEYS} specs held and polled`,
  );
}

/** In this process, spread over time like polls: an idle process pays for each wake-up. */
async function undiciUsPerRequest(url: string): Promise<number> {
  const agent = new Agent({ connections: 10 });
  const started = process.cpuUsage();
  for (let index = 0; index < KEYS; index += 1) {
    const path = `/v1/download_config_specs/secret-bench-${index}.json?sinceTime=1700000000000`;
    const response = await agent.request({ origin: url, path, method: 'GET' });
    await response.body.text();
    await pause((INTERVAL_S * 1000) / KEYS);
  }
  const { user, system } = process.cpuUsage(started);
  await agent.close();
  return (user + system) / KEYS;
}

function toMb(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
