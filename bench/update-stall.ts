// How long the event loop stalls while a 10 MB spec arrives, beside what checking it by JSON.parse would stall it.
import { brotliDecompressSync, constants, brotliCompressSync } from 'node:zlib';
import { setTimeout as pause } from 'node:timers/promises';
import { demoV1 } from '../scripts/demo-specs.js';
import { startChildServer, type ChildServer } from './child-server.js';

const UPDATES = 5;
/** About 10 MB of v1 JSON. */
const FILLER_GATES = 23_000;
const KEY = 'secret-benchkey0123456789';
const STALL_MS_MAX = 25;
const WAIT_MS_MAX = 10_000;

export async function updateStall(): Promise<void> {
  for (const encoding of ['br', 'gzip', 'identity'] as const) await measure(encoding);
  console.log(`  on the event loop, decompression and JSON.parse would take ${naiveMs().toFixed(0)} ms`);
}

async function measure(encoding: 'br' | 'gzip' | 'identity'): Promise<void> {
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: FILLER_GATES,
    encoding,
  });
  const proxy = await startChildServer('./servers/proxy-server.ts', {
    origin: origin.url,
    args: ['-p', '1'],
  });
  const url = `${proxy.url}/v1/download_config_specs/${KEY}.json`;
  const first = await fetch(url, { headers: { 'accept-encoding': encoding } });
  const identityBytes = (await first.arrayBuffer()).byteLength;
  let worstMs = 0;
  for (let update = 0; update < UPDATES; update += 1) {
    await stallSoFarMs(proxy);
    const { time } = await origin.ask({ kind: 'update' });
    await untilServed(url, Number(time));
    worstMs = Math.max(worstMs, await stallSoFarMs(proxy));
  }
  await proxy.stop();
  await origin.stop();
  const verdict = worstMs <= STALL_MS_MAX ? 'met' : 'MISSED';
  const size = (identityBytes / 1e6).toFixed(1);
  console.log(
    `  ${size} MB as ${encoding.padEnd(8)} worst stall of ${UPDATES} updates ${worstMs} ms (wanted ${STALL_MS_MAX}: ${verdict})`,
  );
}

/** The worst delay of the proxy's event loop since the last call. */
async function stallSoFarMs(proxy: ChildServer): Promise<number> {
  return Number((await proxy.ask({ kind: 'watched' }))['worstDelayMs']);
}

/** By small questions only: a 10 MB answer would be in the measurement. */
async function untilServed(url: string, time: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += 50) {
    const response = await fetch(`${url}?sinceTime=${time}`);
    await response.arrayBuffer();
    if (response.headers.get('x-since-time') === String(time)) return;
    await pause(50);
  }
  throw new Error('the update did not come');
}

function naiveMs(): number {
  const project = { time: 1, isGateOpen: true, greeting: 'x', fillerGates: FILLER_GATES };
  const bytes = brotliCompressSync(Buffer.from(JSON.stringify(demoV1(project))), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 5 },
  });
  const startMs = performance.now();
  JSON.parse(brotliDecompressSync(bytes).toString());
  return performance.now() - startMs;
}
