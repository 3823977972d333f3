// Many cold keys at once, by clients that read gzip and by clients that read br, beside fetching and inflating the same bodies.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent } from 'undici';
import { startChildServer, type ChildServer } from './child-server.js';

const KEYS = 200;
const AT_ONCE = 16;
/** Makes a v2 spec of 1.4 MB. */
const FILLER_GATES = 3_400;
const RATIO_MAX = 1.5;
const inflate = promisify(gunzip);

interface Figures {
  readonly tookMs: number;
  readonly cpuMs: number;
}

export async function cold(): Promise<void> {
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: FILLER_GATES,
    encoding: 'asked',
  });
  const bare = await fetchAndInflate(origin.url);
  print('undici and zlib alone, gzip', bare);
  for (const accepted of ['gzip', 'br']) {
    const proxy = await startChildServer('./servers/proxy-server.ts', {
      origin: origin.url,
      args: ['-m', '10000'],
    });
    const figures = await askProxy(proxy, accepted);
    await proxy.stop();
    const ratio = figures.tookMs / bare.tookMs;
    print(`proxy, clients that read ${accepted}`, figures);
    if (accepted !== 'gzip') continue;
    console.log(
      `  ratio: ${ratio.toFixed(2)} of fetching and inflating alone (wanted at most ${RATIO_MAX}: ${ratio <= RATIO_MAX ? 'met' : 'MISSED'})`,
    );
  }
  await origin.stop();
}

async function fetchAndInflate(url: string): Promise<Figures> {
  const agent = new Agent({ connections: AT_ONCE });
  const started = process.cpuUsage();
  const tookMs = await inTurn(async (path) => {
    const headers = { 'accept-encoding': 'gzip' };
    const { body } = await agent.request({ origin: url, path, method: 'GET', headers });
    await inflate(Buffer.from(await body.arrayBuffer()));
  });
  const { user, system } = process.cpuUsage(started);
  await agent.close();
  return { tookMs, cpuMs: (user + system) / 1000 };
}

async function askProxy(proxy: ChildServer, accepted: string): Promise<Figures> {
  const agent = new Agent({ connections: AT_ONCE });
  const before = await proxy.usage();
  const tookMs = await inTurn(async (path) => {
    const headers = { 'accept-encoding': accepted };
    const { body, statusCode } = await agent.request({ origin: proxy.url, path, method: 'GET', headers });
    await body.arrayBuffer();
    if (statusCode !== 200) throw new Error(`a cold key was answered with ${statusCode}`);
  });
  const after = await proxy.usage();
  await agent.close();
  return { tookMs, cpuMs: after.cpuMs - before.cpuMs };
}

/** Asks for every key once, a few at a time; how long that took. */
async function inTurn(ask: (path: string) => Promise<void>): Promise<number> {
  const paths = Array.from(
    { length: KEYS },
    (_none, at) => `/v2/download_config_specs/secret-cold-${at}.json`,
  );
  const startedMs = performance.now();
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) await ask(path);
  });
  await Promise.all(lanes);
  return performance.now() - startedMs;
}

function print(name: string, { tookMs, cpuMs }: Figures): void {
  console.log(
    `  ${name}: ${KEYS} keys in ${(tookMs / 1000).toFixed(1)} s, ${(cpuMs / KEYS).toFixed(1)} ms of CPU each`,
  );
}
