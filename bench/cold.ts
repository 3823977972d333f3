// Many cold keys at once, by clients that read gzip and by clients that read br, beside fetching and inflating the same bodies; of the built program.
import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { demoV2 } from '../scripts/demo-specs.js';
import { PIECE_BYTES } from '../src/bodies/body-encoding.js';
import { createSpecReader } from '../src/protocols/statsig/spec-body/spec-reader.js';
import { startBuiltProxy, type BuiltProxy } from './built-proxy.js';
import { startChildServer } from './child-server.js';
import { openRawClient } from './raw-client.js';

const KEYS = 500;
const AT_ONCE = 16;
/** Makes a v2 spec of 1.43 MB. */
const FILLER_GATES = 3_725;
const RATIO_MAX = 1.5;
/** Of what checking a body costs, to what inflating it costs. */
const CHECK_RATIO_MAX = 1.3;
const CHECKS = 51;
const inflate = promisify(gunzip);

type Ask = (path: string) => Promise<void>;

interface Figures {
  readonly tookMs: number;
  readonly cpuMs: number;
}

export async function cold(): Promise<void> {
  compareCheck();
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: FILLER_GATES,
    hasRandomIds: true,
    encoding: 'asked',
  });
  const bare = await fetchAndInflate(origin.url);
  print('undici and zlib alone, gzip', bare);
  for (const accepted of ['gzip', 'br']) {
    const proxy = await startBuiltProxy(origin.url, ['disabled', '-m', '10000']);
    const figures = await askProxy(proxy, accepted);
    await proxy.stop();
    const ratio = figures.tookMs / bare.tookMs;
    print(`proxy, clients that read ${accepted}`, figures);
    if (accepted === 'gzip') printRatio(ratio, 'fetching and inflating alone', RATIO_MAX);
  }
  await origin.stop();
}

/** On this thread, one after the other, so that nothing but the two is in the figures. */
function compareCheck(): void {
  const project = {
    time: 1,
    isGateOpen: true,
    greeting: 'hello',
    fillerGates: FILLER_GATES,
    hasRandomIds: true,
  };
  const body = Buffer.from(JSON.stringify(demoV2(project)));
  const zipped = gzipSync(body);
  const inflated: number[] = [];
  const checked: number[] = [];
  for (let turn = 0; turn < CHECKS; turn += 1) {
    inflated.push(msOf(() => gunzipSync(zipped, { chunkSize: PIECE_BYTES })));
    checked.push(
      msOf(() => {
        const reader = createSpecReader('json', body.length);
        for (let at = 0; at < body.length; at += PIECE_BYTES)
          reader.push(body.subarray(at, at + PIECE_BYTES));
        reader.end();
      }),
    );
  }
  const [inflateMs, checkMs] = [median(inflated), median(checked)];
  const sizes = `${(body.length / 1e6).toFixed(2)} MB, ${(zipped.length / 1e3).toFixed(0)} kB in gzip`;
  console.log(
    `  one body (${sizes}): inflated in ${inflateMs.toFixed(1)} ms, checked in ${checkMs.toFixed(1)} ms`,
  );
  printRatio(checkMs / inflateMs, 'inflating it', CHECK_RATIO_MAX);
}

function msOf(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function median(figures: readonly number[]): number {
  return [...figures].sort((left, right) => left - right)[Math.floor(figures.length / 2)] ?? NaN;
}

function printRatio(ratio: number, what: string, ratioMax: number): void {
  const verdict = ratio <= ratioMax ? 'met' : 'MISSED';
  console.log(`  ratio: ${ratio.toFixed(2)} of ${what} (wanted at most ${ratioMax}: ${verdict})`);
}

async function fetchAndInflate(url: string): Promise<Figures> {
  const agent = new Agent({ connections: AT_ONCE });
  const started = process.cpuUsage();
  const ask: Ask = async (path) => {
    const headers = { 'accept-encoding': 'gzip' };
    const { body } = await agent.request({ origin: url, path, method: 'GET', headers });
    await inflate(Buffer.from(await body.arrayBuffer()));
  };
  const tookMs = await askForAll(Array.from({ length: AT_ONCE }, () => ask));
  const { user, system } = process.cpuUsage(started);
  await agent.close();
  return { tookMs, cpuMs: (user + system) / 1000 };
}

async function askProxy(proxy: BuiltProxy, accepted: string): Promise<Figures> {
  await proxy.untilReady();
  const clients = await Promise.all(Array.from({ length: AT_ONCE }, () => openRawClient(proxy.url)));
  const beforeMs = proxy.cpuMs();
  const tookMs = await askForAll(
    clients.map((client) => (path) => client.ask(path, { 'accept-encoding': accepted })),
  );
  const cpuMs = proxy.cpuMs() - beforeMs;
  for (const client of clients) client.close();
  return { tookMs, cpuMs };
}

/** Asks for every key once, each of `asks` for one at a time; how long that took. */
async function askForAll(asks: readonly Ask[]): Promise<number> {
  const paths = Array.from(
    { length: KEYS },
    (_none, at) => `/v2/download_config_specs/secret-cold-${at}.json`,
  );
  const startedMs = performance.now();
  const lanes = asks.map(async (ask) => {
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
